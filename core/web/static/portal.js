// Citizen pages: a file field says what was chosen and warns before sending what is too large.
"use strict";

(() => {
  for (const input of document.querySelectorAll("input[type=file][data-lx-most]")) {
    const most = Number(input.dataset.lxMost);
    input.addEventListener("change", () => {
      const large = [...input.files].filter((file) => file.size > most);
      input.setCustomValidity(large.length ? (input.dataset.lxLarge || "").replace("{name}", large[0].name) : "");
      if (large.length) input.reportValidity();
    });
  }
})();
