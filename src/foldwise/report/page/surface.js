// The page's surface: the theme, and what its words mean.

const THEMES = ["auto", "light", "dark"];

const themeButton = byId("theme");
themeButton.hidden = false;
themeButton.addEventListener("click", () => {
  const root = document.documentElement;
  const next = THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length];
  root.dataset.theme = next;
  themeButton.textContent = `Theme: ${next}`;
});

const tip = byId("tip");

/** Show what a word means, below it and within the window. */
function explain(term) {
  const word = byId(`word-${term.dataset.word}`);
  if (!word) return;
  tip.textContent = word.querySelector("dd").textContent;
  tip.hidden = false;
  const box = term.getBoundingClientRect();
  const left = Math.min(Math.max(box.left, 8), document.documentElement.clientWidth - tip.offsetWidth - 8);
  tip.style.left = `${left + window.scrollX}px`;
  tip.style.top = `${box.bottom + window.scrollY + 8}px`;
}

const hush = () => (tip.hidden = true);

for (const term of document.querySelectorAll(".term")) {
  term.setAttribute("aria-describedby", "tip");
  term.addEventListener("pointerenter", () => explain(term));
  term.addEventListener("pointerleave", hush);
  term.addEventListener("focus", () => explain(term));
  term.addEventListener("blur", hush);
  term.addEventListener("click", () => explain(term));
}
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") hush();
});
