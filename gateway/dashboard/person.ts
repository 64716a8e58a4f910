/** Who decides: a name that this browser remembers, or the one that a proxy told the gateway. */
import { h } from "preact";
import { useEffect, useState } from "preact/hooks";
import { userNow } from "./settings.ts";

const KEY = "millrace-name";
const NAME_CHARS_MAX = 80;

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
}

export function usePerson(): Person {
  const [name, setName] = useState(remembered);
  useEffect(() => {
    void userNow().then((user) => {
      if (user !== null) setName((known) => known === "" ? user : known);
    });
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
  return { name, rename };
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
