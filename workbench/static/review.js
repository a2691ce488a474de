// Review queue: the button says where the case would go; the open case stays in sight in the list. Keys are in work.js.
"use strict";

(() => {
  const current = document.querySelector(".lx-review__list [aria-current]");
  if (current && current.scrollIntoView) current.scrollIntoView({ block: "nearest" });

  const send = document.querySelector("[data-lx-send]");
  if (!send) return;
  const words = send.querySelector("span");
  const usual = words.textContent;
  const leads = [...document.querySelectorAll("[data-lx-lead]")];
  for (const choice of leads) {
    choice.addEventListener("change", () => {
      words.textContent = choice === leads[0] ? usual : send.dataset.lxSend.replace("{lead}", choice.dataset.lxLead);
    });
    // Enter on a chosen department sends it, as the key beside the button says.
    choice.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) {
        event.preventDefault();
        send.click();
      }
    });
  }
})();
