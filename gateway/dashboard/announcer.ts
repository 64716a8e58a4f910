/** Tells screen readers what has changed, no more often than they can say it. */
import { h } from "preact";

const ID = "announcer";
/** While somebody goes on pressing a key, nothing is told. */
const REST_MS = 400;

let timer: ReturnType<typeof setTimeout> | undefined;

/** The region that it is told in: once a page. */
export const Announcer = () => h("div", { id: ID, class: "unseen", role: "status", "aria-live": "polite" });

export function announce(text: string): void {
  clearTimeout(timer);
  timer = setTimeout(() => {
    const region = document.getElementById(ID);
    if (region !== null && region.textContent !== text) region.textContent = text;
  }, REST_MS);
}
