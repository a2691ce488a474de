// The hotline desk: the caller, suggestions and replies while typing, and the keys. Without it the buttons do the same.
"use strict";

(() => {
  const next = document.querySelector("[data-lx-next]");
  if (next) next.focus();

  const form = document.querySelector("[data-lx-desk]");
  if (!form) return;
  const WAIT = 500;
  const field = (name) => form.elements.namedItem(name);
  const $ = (id) => document.getElementById(id);
  document.body.classList.add("is-scripted");

  // --- the parts of the page that the server makes ---------------------------------------------------------------------

  const asked = {};
  async function ask(address) {
    const turn = (asked[address] = (asked[address] || 0) + 1);
    const reply = await fetch(address, {
      method: "POST", body: new FormData(form), headers: { Accept: "application/json" }, redirect: "error",
    });
    if (!reply.ok) throw new Error(String(reply.status));
    const found = await reply.json();
    return turn === asked[address] ? found : null; // an older question's answer comes too late
  }

  function later(action) {
    let timer = 0;
    return () => {
      window.clearTimeout(timer);
      timer = window.setTimeout(action, WAIT);
    };
  }

  function put(id, html) {
    const place = $(id);
    if (html !== undefined && place.innerHTML !== html) place.innerHTML = html;
  }

  // --- how long the call has lasted ------------------------------------------------------------------------------------

  const bar = document.querySelector("[data-lx-bar]");
  const timer = document.querySelector("[data-lx-timer]");
  let since = timer.dataset.lxSpent ? Date.now() - Number(timer.dataset.lxSpent) * 1000 : 0;
  function begin(at) {
    if (!field("started").value && at) field("started").value = at;
    if (!since) since = Date.now();
    bar.classList.remove("lx-callbar--idle");
    const words = bar.querySelector("[data-lx-busy]");
    words.textContent = words.dataset.lxBusy;
  }
  function tick() {
    if (!since) return;
    const seconds = Math.floor((Date.now() - since) / 1000);
    timer.textContent = `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
  }
  tick();
  window.setInterval(tick, 1000);

  // --- who is calling --------------------------------------------------------------------------------------------------

  let looked = field("number").value;
  async function find(move) {
    if (!field("number").value.trim()) {
      if (move) $("body").focus();
      return;
    }
    try {
      const found = await ask(form.dataset.lxCaller);
      if (!found) return;
      looked = field("number").value;
      put("caller", found.caller);
      begin(found.began);
      $("number").toggleAttribute("aria-invalid", Boolean(found.error));
      if (move && !found.error) $("body").focus();
    } catch {
      window.lx.tell(form.dataset.lxLost, { bad: true });
    }
  }
  field("number").addEventListener("change", () => field("number").value !== looked && find(false));

  // --- what is suggested while typing ----------------------------------------------------------------------------------

  let ownTitle = Boolean(field("title").value);
  let ownArea = Boolean(field("area").value);
  let composing = false;
  field("title").addEventListener("input", () => (ownTitle = Boolean(field("title").value)));
  field("area").addEventListener("change", () => (ownArea = Boolean(field("area").value)));

  async function suggest() {
    if (composing) return;
    const title = field("title");
    const area = field("area");
    // What was filled in by itself must not count as typed.
    const [keptTitle, keptArea] = [title.value, area.value];
    if (!ownTitle) title.value = "";
    if (!ownArea) area.value = "";
    const answer = ask(form.dataset.lxAdvice);
    [title.value, area.value] = [keptTitle, keptArea];
    try {
      const found = await answer;
      if (!found) return;
      put("danger", found.danger);
      const focused = document.activeElement && document.activeElement.name === "lead";
      if (!focused) put("advice", found.advice);
      if (found.knowledge !== undefined) put("knowledge", found.knowledge);
      if (!ownTitle && document.activeElement !== title) title.value = found.title;
      if (!ownArea && document.activeElement !== area) area.value = found.area;
      begin(found.began);
    } catch {
      // Typing goes on; the next words ask again.
    }
  }
  const suggestSoon = later(suggest);
  for (const name of ["body", "title", "place", "area"]) field(name).addEventListener("input", suggestSoon);
  form.addEventListener("compositionstart", () => (composing = true));
  form.addEventListener("compositionend", () => {
    composing = false;
    suggestSoon();
  });

  async function search() {
    try {
      const found = await ask(form.dataset.lxKnowledge);
      if (found) put("knowledge", found.knowledge);
    } catch {
      window.lx.tell(form.dataset.lxLost, { bad: true });
    }
  }
  $("words").addEventListener("input", later(search));

  // --- reading a reply out ---------------------------------------------------------------------------------------------

  function readOut(button) {
    const id = button.dataset.lxRead;
    const used = form.querySelector("[data-lx-used]");
    if ([...used.children].some((one) => one.value === id)) return;
    const kept = document.createElement("input");
    kept.type = "hidden";
    kept.name = "used";
    kept.value = id;
    used.append(kept);
    const text = button.closest("li").querySelector("[data-lx-full]").content.textContent;
    const answer = field("answer");
    answer.value = [answer.value.trim(), text.trim()].filter(Boolean).join("\n");
    answer.rows = 5;
    const note = form.querySelector("[data-lx-usednote]");
    note.textContent = form.dataset.lxReadit;
    button.classList.add("lx-btn--main");
    window.lx.tell(form.dataset.lxReadit);
  }

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("button");
    if (!button) return;
    if (button.matches("[data-lx-find]")) find(true);
    else if (button.matches("[data-lx-know]")) search();
    else if (button.matches("[data-lx-suggest]")) suggest();
    else if (button.matches("[data-lx-read]")) readOut(button);
    else return;
    event.preventDefault();
  });

  // --- what belongs to which kind of call ------------------------------------------------------------------------------

  const kind = () => form.querySelector("[name=kind]:checked")?.value || "new";
  function fold() {
    for (const part of form.querySelectorAll("[data-lx-for]")) {
      const fits = part.dataset.lxFor.split(" ").includes(kind());
      part.hidden = !fits && !part.querySelector("[aria-invalid]");
      if (fits && part.matches("details") && kind() === "rate") part.open = true;
    }
    const words = form.querySelector("[data-lx-send] span");
    words.textContent = kind() === "new" ? form.dataset.lxSending : form.dataset.lxRegistering;
    const wanted = form.querySelector("[name=flag]:checked")?.value === "needed";
    form.querySelector(".lx-deskback").hidden = !wanted && !form.querySelector(".lx-deskback [aria-invalid]");
  }
  function choose(name, value) {
    const found = form.querySelector(`[name=${name}][value="${value}"]`);
    if (found) found.checked = true;
    fold();
  }
  document.addEventListener("change", (event) => {
    if (event.target.name === "earlier") {
      if (event.target.value && kind() === "new") choose("kind", "urge");
      if (!event.target.value && !["nuisance", "silent", "new"].includes(kind())) choose("kind", "new");
    }
    if (event.target.form === form) fold();
  });
  fold();

  // --- keys ------------------------------------------------------------------------------------------------------------

  function cycle(choices, from) {
    if (!choices.length) return;
    const at = choices.findIndex((one) => one.checked);
    const chosen = choices[(at + 1 + choices.length) % choices.length];
    chosen.checked = true;
    chosen.dispatchEvent(new Event("change", { bubbles: true }));
    const label = chosen.closest("label");
    if (from) window.lx.tell((label.querySelector("span") || label).textContent.trim());
  }
  window.lx.keys({
    f2: () => $("body").focus(),
    f7: () => cycle([...document.querySelectorAll("[name=lead]")], true),
    f8: () => cycle([...form.querySelectorAll("[name=flag]")], true),
  });
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.defaultPrevented || event.key !== "Enter") return;
    if (event.ctrlKey && !event.altKey && !event.metaKey) {
      event.preventDefault();
      form.querySelector("[data-lx-send]").click();
      return;
    }
    // Enter in a line sends nothing by accident; beside the number it looks the caller up.
    const target = event.target;
    if (!(target instanceof HTMLInputElement) || target.form !== form || ["radio", "checkbox"].includes(target.type)) return;
    event.preventDefault();
    if (target.name === "number") find(true);
    else if (target.name === "words") search();
  });
})();
