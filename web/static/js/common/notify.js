// Notifications of the browser: only after somebody asked for them, only while the page is hidden.

import { recall, remember } from "./remember.js";

const toggle = document.getElementById("notify-toggle");
const words = document.getElementById("notify-text");
const CAN = "Notification" in window;

/** Whether a page in the background should still listen. */
export function wantsNotifications() {
  return CAN && Notification.permission === "granted" && recall("notify") === "on";
}

export function notify({ title, text, href, id }) {
  if (!document.hidden || !wantsNotifications()) return;
  // One tag a piece of news: several tabs make one notification.
  const shown = new Notification(title, { body: text, tag: `optoscope-${id}`, icon: document.querySelector('link[rel="icon"]').href });
  shown.addEventListener("click", () => {
    window.focus();
    location.href = href;
    shown.close();
  });
}

async function change() {
  if (wantsNotifications()) remember("notify", null);
  else if ((await Notification.requestPermission()) === "granted") remember("notify", "on");
  show();
}

function show() {
  const isOn = wantsNotifications();
  toggle.setAttribute("aria-pressed", String(isOn));
  const isDenied = CAN && Notification.permission === "denied";
  toggle.disabled = !CAN || isDenied;
  words.textContent = reason(isOn, isDenied);
}

function reason(isOn, isDenied) {
  if (!CAN) return "This browser offers no notifications to this address; over https it may.";
  if (isDenied) return "Notifications are blocked in the browser's settings for this address.";
  if (isOn) return "On, while a page of Optoscope is open.";
  return "The browser can tell you, too, while this page is in the background.";
}

toggle.addEventListener("click", change);
show();
