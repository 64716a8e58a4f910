/** Who decides: a name that this browser remembers, or the one that a proxy told the gateway. */
import { h } from "preact";
import { useEffect, useState } from "preact/hooks";
import * as z from "zod/mini";
import { ask } from "./api.ts";
import { setZone } from "./errors_times.ts";

const KEY = "millrace-name";
const NAME_CHARS_MAX = 80;

const ownSettings = z.object({
  user: z.nullable(z.string()),
  settings: z.object({ timeZone: z.string(), theme: z.string(), refreshSeconds: z.number() }),
});

function remembered(): string {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return ""; // a browser that keeps nothing
  }
}

export interface Person {
  readonly name: string;
  readonly rename: (name: string) => void;
  /** Seconds between two refreshes; 0: by hand. */
  readonly refreshSeconds: number;
}

/** The name, and the settings that the gateway keeps for this user or browser. */
export function usePerson(): Person {
  const [name, setName] = useState(remembered);
  const [refreshSeconds, setRefresh] = useState(1);
  useEffect(() => {
    ask("/api/v1/settings", ownSettings).then(({ user, settings }) => {
      setZone(settings.timeZone);
      if (settings.theme !== "system") document.documentElement.dataset.theme = settings.theme;
      setRefresh(settings.refreshSeconds);
      if (user !== null) setName((known) => known === "" ? user : known);
    }, () => {}); // without an answer all stays as it is by itself
  }, []);
  const rename = (next: string) => {
    const name = next.slice(0, NAME_CHARS_MAX);
    setName(name);
    try {
      localStorage.setItem(KEY, name);
    } catch {
      // a browser that keeps nothing
    }
  };
  return { name, rename, refreshSeconds };
}

export function NameField({ person }: { readonly person: Person }) {
  return h("label", { class: "who" }, [
    h("span", null, "You are"),
    h("input", {
      value: person.name,
      placeholder: "your name",
      autocomplete: "nickname",
      maxLength: NAME_CHARS_MAX,
      onInput: (event: { currentTarget: HTMLInputElement }) => person.rename(event.currentTarget.value),
    }),
  ]);
}
