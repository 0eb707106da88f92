const answer = await fetch("/me");
const me = answer.ok ? await answer.json() : null;
document.querySelector("main").textContent = me ? `Zena, for ${me.userId}` : "Zena: you are signed out";
