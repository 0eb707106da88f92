const main = document.querySelector("main");
const answer = await fetch("/me");
const me = answer.ok ? await answer.json() : null;
if (main) main.textContent = me ? `Zena, for ${me.userId}` : "Zena: you are signed out";

export {};
