// Case file: printing, and finding an organisation in a long list by name or pinyin initials. The page works without it.
"use strict";

(() => {
  for (const button of document.querySelectorAll("[data-lx-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }

  // A field above each list of organisations: what does not hold the words typed is taken out of the list.
  for (const list of document.querySelectorAll("select[data-lx-offices]")) {
    const all = [...list.options].map((option) => option.cloneNode(true));
    const label = list.labels && list.labels[0];
    const find = document.createElement("input");
    find.type = "search";
    find.className = "lx-input lx-officefind";
    find.autocomplete = "off";
    find.placeholder = list.dataset.lxOffices;
    find.setAttribute("aria-label", `${label ? label.textContent.trim() : ""} · ${list.dataset.lxOffices}`);
    list.before(find);
    find.addEventListener("input", (event) => {
      if (event.isComposing) return;
      const words = find.value.trim().toLowerCase();
      const kept = list.value;
      const fitting = all.filter((option) => !option.value || !words || option.textContent.toLowerCase().includes(words)
        || (option.dataset.lxInitials || "").split(" ").some((part) => part.includes(words)));
      list.replaceChildren(...fitting.map((option) => option.cloneNode(true)));
      const first = fitting.find((option) => option.value);
      list.value = fitting.some((option) => option.value === kept) && !words ? kept : first ? first.value : "";
    });
    find.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) event.preventDefault();
    });
  }
})();
