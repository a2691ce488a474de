// Staff pages: single keys, the list of keys, deadlines counted down each minute. Every page works without it.
"use strict";

(() => {
  const off = document.body.dataset.lxKeys === "off";
  const handlers = new Map();

  function typing(target) {
    return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"))
      && !target.matches("input[type=checkbox], input[type=radio], input[type=button], input[type=submit]");
  }

  function shown(element) {
    return element.getClientRects().length > 0 && !element.disabled;
  }

  function keysOf(element) {
    return (element.getAttribute("aria-keyshortcuts") || "").toLowerCase().split(/\s+/).filter(Boolean);
  }

  // An element with aria-keyshortcuts="x" is pressed (or, when it is a field, entered) by that key.
  function use(element) {
    if (element.matches("input:not([type=checkbox]):not([type=radio]):not([type=submit]), textarea, select")) {
      element.focus();
      if (element.select) element.select();
    } else element.click();
  }

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && typing(event.target)) {
      event.target.blur();
      return;
    }
    const named = event.key.length > 1;
    if (typing(event.target) && !/^F\d+$/.test(event.key)) return;
    if (off && !named) return;
    if (event.key === "Enter" && event.target instanceof HTMLElement && event.target.matches("button, a, summary, label, input")) return;
    if (document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    const own = handlers.get(key);
    if (own && own(event) !== false) {
      event.preventDefault();
      return;
    }
    if (key === "?") {
      event.preventDefault();
      list();
      return;
    }
    const found = [...document.querySelectorAll("[aria-keyshortcuts]")].find((e) => keysOf(e).includes(key) && shown(e));
    if (found) {
      event.preventDefault();
      use(found);
    }
  });

  function list() {
    const dialog = document.querySelector("[data-lx-keylist]");
    const rows = dialog.querySelector("dl");
    rows.replaceChildren();
    for (const element of document.querySelectorAll("[aria-keyshortcuts]")) {
      if (!shown(element)) continue;
      const term = document.createElement("dt");
      for (const key of (element.getAttribute("aria-keyshortcuts") || "").split(/\s+/)) {
        const cap = document.createElement("kbd");
        cap.className = "lx-kbd";
        cap.textContent = key.length === 1 ? key.toUpperCase() : key;
        term.append(cap);
      }
      const words = document.createElement("dd");
      const label = element.labels && element.labels[0];
      const copy = (label || element).cloneNode(true);
      for (const cap of copy.querySelectorAll("kbd")) cap.remove();
      words.textContent = element.getAttribute("aria-label") || copy.textContent.trim();
      rows.append(term, words);
    }
    dialog.showModal();
  }

  // Working minutes left when the page was made, counted down while the present stretch of working time lasts.
  const made = Date.now();
  const forms = document.body.dataset;
  function recount() {
    for (const place of document.querySelectorAll("[data-lx-left][data-lx-until]")) {
      const until = Date.parse(place.dataset.lxUntil);
      const passed = Math.max(0, Math.floor((Math.min(Date.now(), until) - made) / 60000));
      const left = Number(place.dataset.lxLeft) - passed;
      const words = place.querySelector("b");
      if (!words || passed === 0) continue;
      const minutes = Math.abs(left);
      const text = minutes < 60 ? forms.lxM : forms.lxHm;
      words.textContent = text.replace("{h}", Math.floor(minutes / 60)).replace("{m}", minutes % 60);
      if (left < 0 && !place.classList.contains("lx-due--late")) {
        place.classList.remove("lx-due--near");
        place.classList.add("lx-due--late");
        const word = [...place.childNodes].find((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
        if (word) word.textContent = `${forms.lxOver} `;
      }
    }
  }
  window.setInterval(recount, 60000);

  // For the pages' own scripts: lx.keys({ j: next, k: back }). A handler that returns false leaves the key alone.
  window.lx.keys = (map) => {
    for (const [key, handler] of Object.entries(map)) handlers.set(key.toLowerCase(), handler);
  };
})();
