/** Tells the user of something while the page is out of sight. */

/** Whether it makes sense to offer it: there are notifications, and the user has not said yes or no. */
export function canAsk() {
  return "Notification" in window && Notification.permission === "default";
}

/**
 * Asks the user; must be called from a click, or browsers refuse by themselves.
 *
 * @returns {Promise<boolean>} whether notifications may be shown now
 */
export async function askToNotify() {
  return "Notification" in window && (await Notification.requestPermission()) === "granted";
}

/**
 * Shows a notification, if nobody is looking at the page and the user wants them. A click brings the page
 * back, at `href`.
 *
 * @param {{title: string, body: string, tag: string, href: string}} note of two with one tag, the newer shows
 */
export async function notify({ title, body, tag, href }) {
  if (!document.hidden || !("Notification" in window) || Notification.permission !== "granted") return;
  const options = { body, tag, data: { href }, icon: "/icons/icon-192.png", badge: "/icons/badge.png" };
  // Android shows them only through a worker, which hears the click as well: sw.js.
  const registration = await navigator.serviceWorker?.getRegistration();
  if (registration?.active) return registration.showNotification(title, options);
  const shown = new Notification(title, options);
  shown.onclick = () => {
    window.focus();
    location.assign(href);
    shown.close();
  };
}
