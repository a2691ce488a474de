// Shared by all pages: focus on the error summary, character counts, messages. Every page works without it.
"use strict";

(() => {
  const STAY = 10000;

  // The first error summary takes the focus, so that a screen reader reads it and the keyboard starts there.
  const summary = document.querySelector("[data-lx-focus]");
  if (summary) summary.focus();

  // "已写 120 字" beside a text field. Characters as people count them, so an emoji is one.
  for (const place of document.querySelectorAll("[data-lx-count]")) {
    const field = document.getElementById(place.dataset.lxCount);
    if (!field) continue;
    const show = () => {
      place.textContent = place.dataset.lxText.replace("{n}", [...field.value].length.toLocaleString("en-US"));
    };
    field.addEventListener("input", show);
    show();
  }

  const box = document.querySelector("[data-lx-toasts]");

  function settle(toast) {
    if (toast.dataset.lxToast === "stay") {
      const close = document.createElement("button");
      close.type = "button";
      close.textContent = box.dataset.lxClose;
      close.addEventListener("click", () => toast.remove());
      toast.append(close);
      return;
    }
    let left = STAY;
    let timer = 0;
    let since = 0;
    const start = () => {
      since = Date.now();
      timer = window.setTimeout(() => toast.remove(), left);
    };
    const stop = () => {
      window.clearTimeout(timer);
      left -= Date.now() - since;
    };
    toast.addEventListener("mouseenter", stop);
    toast.addEventListener("mouseleave", start);
    toast.addEventListener("focusin", stop);
    toast.addEventListener("focusout", start);
    start();
  }

  // What stands in the status region when the page loads is not announced: it is put in again a moment later.
  if (box) {
    const waiting = [...box.children];
    box.replaceChildren();
    window.setTimeout(() => {
      for (const toast of waiting) {
        box.append(toast);
        settle(toast);
      }
    }, 100);
  }

  // For the pages' own scripts: say something without loading a page.
  function tell(text, { bad = false } = {}) {
    if (!box) return;
    const toast = document.createElement("div");
    toast.className = bad ? "lx-toast lx-toast--bad" : "lx-toast";
    toast.dataset.lxToast = bad ? "stay" : "10";
    const words = document.createElement("span");
    words.textContent = text;
    toast.append(words);
    box.append(toast);
    settle(toast);
  }

  // A second press of the same button sends nothing twice; the server would find the repeat as well.
  for (const form of document.querySelectorAll("form[method=post]")) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.lxSent) event.preventDefault();
      else {
        form.dataset.lxSent = "1";
        window.setTimeout(() => delete form.dataset.lxSent, 3000);
      }
    });
  }

  window.lx = { tell };
})();
