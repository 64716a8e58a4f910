/** How the pages look to this user or browser: kept by the gateway, and here between two visits, so that nothing flashes. */
import { useEffect, useState } from "preact/hooks";
import * as z from "zod/mini";
import { ask, send } from "./api.ts";
import { setZone } from "./times.ts";

const settingsShape = z.object({
  theme: z.enum(["system", "light", "dark"]),
  timeZone: z.string(),
  panels: z.array(z.string()),
  hiddenPanels: z.array(z.string()),
  slaTarget: z.number(),
  refreshSeconds: z.number(),
});
export type Settings = z.infer<typeof settingsShape>;
const answer = z.object({ owner: z.string(), user: z.nullable(z.string()), settings: settingsShape });

const CACHE = "millrace-settings";
const PATH = "/api/v1/settings";
export const DEFAULTS: Settings = {
  theme: "system",
  timeZone: "browser",
  panels: [],
  hiddenPanels: [],
  slaTarget: 99.9,
  refreshSeconds: 2,
};

let current = cached();
/** As the gateway has them, as far as is known. */
let confirmed = current;
/** What it was not told yet, and the telling: one at a time, since the first gives the browser its name. */
let untold: Partial<Settings> = {};
let telling: Promise<void> | null = null;
let user: Promise<string | null> = Promise.resolve(null);
const listeners = new Set<(settings: Settings) => void>();

function cached(): Settings {
  try {
    return settingsShape.parse(JSON.parse(localStorage.getItem(CACHE) ?? ""));
  } catch {
    return DEFAULTS; // nothing there, or of another version
  }
}

function take(settings: Settings): void {
  current = settings;
  apply();
  try {
    localStorage.setItem(CACHE, JSON.stringify(settings));
  } catch {
    // a browser that keeps nothing
  }
  for (const hear of listeners) hear(settings);
}

function apply(): void {
  if (current.theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = current.theme;
  setZone(current.timeZone === "browser" ? undefined : current.timeZone);
}

export const settingsNow = (): Settings => current;

/** Applies what was seen last, then what the gateway keeps. Call it once, before anything is drawn. */
export function startSettings(): void {
  apply();
  user = ask(PATH, answer).then(({ settings, user }) => {
    confirmed = settings;
    if (telling === null) take(settings);
    return user;
  }, () => null); // without an answer all stays as it was
}

/** The name that a proxy told the gateway; null where there is none. */
export const userNow = (): Promise<string | null> => user;

/** Changes some; they hold at once, and are taken back where the gateway refuses them. Throws an Error in words. */
export function changeSettings(changes: Partial<Settings>): Promise<void> {
  take({ ...current, ...changes });
  untold = { ...untold, ...changes };
  return telling ??= tell().finally(() => telling = null);
}

async function tell(): Promise<void> {
  try {
    while (Object.keys(untold).length > 0) {
      const told = untold;
      untold = {};
      confirmed = (await send("PATCH", PATH, answer, told)).settings;
    }
  } finally {
    untold = {};
    take(confirmed);
  }
}

/** The settings; the component is drawn again when they change. */
export function useSettings(): Settings {
  const [settings, setSettings] = useState(current);
  useEffect(() => {
    setSettings(current);
    listeners.add(setSettings);
    return () => void listeners.delete(setSettings);
  }, []);
  return settings;
}
