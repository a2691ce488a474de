// The petition form: similar replies while writing, fields that do not apply folded away, printing the receipt.
// Without it the same replies are shown on a step before sending, and every field stands open.
"use strict";

(() => {
  const WAIT = 900;

  for (const button of document.querySelectorAll("[data-lx-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }

  const form = document.querySelector("[data-lx-petition]");
  if (!form) return;

  // Fields for some ways of writing only. What was typed stays in them.
  const fold = () => {
    const chosen = form.querySelector("[name=disclosure]:checked");
    for (const part of form.querySelectorAll("[data-lx-unless]")) {
      part.hidden = Boolean(chosen) && chosen.value === part.dataset.lxUnless && !part.querySelector("[aria-invalid]");
    }
    for (const part of form.querySelectorAll("[data-lx-if]")) {
      part.hidden = !form.elements[part.dataset.lxIf].checked;
    }
  };
  form.addEventListener("change", fold);
  fold();

  const panel = form.querySelector("[data-lx-similar]");
  const { title, body } = form.elements;
  let timer = 0;
  let asked = "";
  let number = 0;

  async function look() {
    const words = `${title.value}\n${body.value}`;
    if (words === asked || title.value.length + body.value.length < 10) return;
    asked = words;
    number += 1;
    const mine = number;
    const data = new FormData();
    data.set("title", title.value.slice(0, 200));
    data.set("body", body.value.slice(0, 2000));
    data.set("csrf_token", form.elements.csrf_token.value);
    try {
      const answer = await fetch(panel.dataset.lxSimilar, { method: "POST", body: data, credentials: "same-origin" });
      if (mine !== number) return;
      if (answer.status === 200) {
        panel.innerHTML = await answer.text();
        form.querySelector("[data-lx-seen]").value = "1";
      } else {
        panel.replaceChildren();
      }
    } catch {
      // No answer: the step before sending shows them.
    }
  }

  const later = (event) => {
    if (event.isComposing) return;
    window.clearTimeout(timer);
    timer = window.setTimeout(look, WAIT);
  };
  for (const field of [title, body]) {
    field.addEventListener("input", later);
    field.addEventListener("compositionend", later);
  }
})();
