/** Saved views: addresses under names, one's own and everybody's. */
import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import * as z from "zod/mini";
import { ask, type SavedView, savedViewAnswer, savedViews, send, wordsOf } from "./api.ts";

const PATH = "/api/v1/views";

/** A short link: `?view=ID` opens the view of that id. */
export function useLinkedView(open: (query: string) => void): void {
  useEffect(() => {
    const id = new URLSearchParams(location.search).get("view");
    if (id === null) return;
    ask(`${PATH}/${encodeURIComponent(id)}`, savedViewAnswer).then(
      ({ query }) => open(query),
      (error) => alert(wordsOf(error)),
    );
  }, []);
}

export function ViewsMenu({ page: shownPage, holds, query, onOpen }: {
  readonly page: "dashboard" | "errors";
  /** What the address holds, in words. */
  readonly holds: string;
  /** The address of what is shown now, from its question mark on. */
  readonly query: string;
  readonly onOpen: (view: SavedView) => void;
}) {
  const [isOpen, setOpen] = useState(false);
  const [views, setViews] = useState<readonly SavedView[] | null>(null);
  const [problem, setProblem] = useState("");
  const menu = useRef<HTMLDivElement>(null);
  const run = async (change: () => Promise<unknown>) => {
    try {
      await change();
      setViews((await ask(PATH, savedViews)).views.filter(({ page }) => page === shownPage));
      setProblem("");
    } catch (error) {
      setProblem(wordsOf(error));
    }
  };
  useEffect(() => {
    if (!isOpen) return;
    void run(() => Promise.resolve());
    const away = (event: Event) => {
      if (event.target instanceof Node && menu.current?.contains(event.target) === false) setOpen(false);
    };
    addEventListener("pointerdown", away);
    return () => removeEventListener("pointerdown", away);
  }, [isOpen]);
  const save = (name: string, isShared: boolean) =>
    run(() => send("POST", PATH, savedViewAnswer, { name, page: shownPage, query, isShared }));
  const remove = (id: string) => run(() => send("DELETE", `${PATH}/${id}`, z.null()));
  const update = (id: string) => run(() => send("PATCH", `${PATH}/${id}`, savedViewAnswer, { query }));
  return h(
    "div",
    {
      class: "menu",
      ref: menu,
      onKeyDown: (event: KeyboardEvent) => event.key === "Escape" && setOpen(false),
    },
    h("button", { type: "button", "aria-expanded": isOpen, onClick: () => setOpen(!isOpen) }, "Views"),
    isOpen && h("div", { class: "popover", role: "group", "aria-label": "Saved views" }, [
      problem !== "" && h("p", { role: "alert" }, problem),
      views === null
        ? problem === "" && h("p", { class: "soft" }, "Loading…")
        : views.length === 0
        ? h("p", { class: "soft" }, `None yet. A view is all that the address holds: ${holds}.`)
        : h(
          "ul",
          { class: "plain views" },
          views.map((view) =>
            h("li", { key: view.id }, [
              h("button", {
                type: "button",
                class: "link",
                onClick: () => {
                  setOpen(false);
                  onOpen(view);
                },
              }, view.name),
              view.isShared && h("span", { class: "badge" }, "everybody's"),
              h("button", {
                type: "button",
                "aria-label": `let ${view.name} show what is shown now`,
                title: "Let it show what is shown now",
                onClick: () => update(view.id),
              }, "↻"),
              h(
                "button",
                {
                  type: "button",
                  "aria-label": `delete ${view.name}`,
                  title: "Delete",
                  onClick: () => remove(view.id),
                },
                "×",
              ),
            ])
          ),
        ),
      h(SaveForm, { onSave: save }),
    ]),
  );
}

function SaveForm({ onSave }: { readonly onSave: (name: string, isShared: boolean) => void }) {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (!(event.currentTarget instanceof HTMLFormElement)) return;
    const given = new FormData(event.currentTarget);
    const name = String(given.get("name") ?? "").trim();
    if (name === "") return;
    onSave(name, given.has("isShared"));
    event.currentTarget.reset();
  };
  return h("form", { class: "form", onSubmit: submit }, [
    h("label", null, [
      h("span", null, "Save this view as"),
      h("input", { name: "name", maxLength: 80, required: true, autocomplete: "off" }),
    ]),
    h("label", { class: "check" }, [h("input", { type: "checkbox", name: "isShared" }), "for everybody"]),
    h("button", { type: "submit", class: "main" }, "Save"),
  ]);
}
