/** The settings of this user or browser, as a dialog. */
import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { wordsOf } from "./api.ts";
import { panelOrder, PANELS } from "./panels.ts";
import { changeSettings, DEFAULTS, type Settings, settingsNow, useSettings } from "./settings.ts";

const THEMES = [["system", "as the system"], ["light", "light"], ["dark", "dark"]];
const REFRESH = [
  ["0", "by hand"],
  ["1", "every second"],
  ["2", "every 2 s"],
  ["5", "every 5 s"],
  ["30", "every 30 s"],
  [
    "60",
    "every minute",
  ],
];

/** What this dialog shows on other pages than the dashboard. */
const SHARED_DEFAULTS: Partial<Settings> = {
  theme: DEFAULTS.theme,
  timeZone: DEFAULTS.timeZone,
  refreshSeconds: DEFAULTS.refreshSeconds,
};

export function SettingsDialog({ page, isOpen, onClose }: {
  /** Panels and the service level are the dashboard's alone. */
  readonly page: "dashboard" | "errors";
  readonly isOpen: boolean;
  readonly onClose: () => void;
}) {
  const settings = useSettings();
  const [problem, setProblem] = useState("");
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  const change = (changes: Partial<Settings>) => {
    changeSettings(changes).then(() => setProblem(""), (error) => setProblem(wordsOf(error)));
  };
  return h(
    "dialog",
    { ref: dialog, "aria-labelledby": "settings-title", onClose },
    isOpen && [
      h("h2", { id: "settings-title" }, "Settings"),
      problem !== "" && h("p", { role: "alert" }, problem),
      h("div", { class: "form" }, [
        h(Select, {
          label: "Theme",
          value: settings.theme,
          options: THEMES,
          onChange: (value) => {
            const theme = (["system", "light", "dark"] as const).find((name) => name === value);
            if (theme !== undefined) change({ theme });
          },
        }),
        h(Zone, { value: settings.timeZone, onChange: (timeZone) => change({ timeZone }) }),
        h(Select, {
          label: "Refresh",
          value: String(settings.refreshSeconds),
          options: REFRESH.some(([value]) => value === String(settings.refreshSeconds))
            ? REFRESH
            : [...REFRESH, [String(settings.refreshSeconds), `every ${settings.refreshSeconds} s`]],
          onChange: (value) => change({ refreshSeconds: Number(value) }),
        }),
        page === "dashboard" &&
        h(Target, { value: settings.slaTarget, onChange: (slaTarget) => change({ slaTarget }) }),
        page === "dashboard" && h(Panels, { settings, onChange: change }),
      ]),
      h("div", { class: "actions" }, [
        h(
          "button",
          { type: "button", onClick: () => change(page === "dashboard" ? DEFAULTS : SHARED_DEFAULTS) },
          "As they were at first",
        ),
        h("button", { type: "button", class: "main", onClick: onClose }, "Done"),
      ]),
    ],
  );
}

function Select({ label, value, options, onChange }: {
  readonly label: string;
  readonly value: string;
  readonly options: readonly (readonly string[])[];
  readonly onChange: (value: string) => void;
}) {
  return h("label", null, [
    h("span", null, label),
    h(
      "select",
      {
        value,
        onChange: (event: { currentTarget: HTMLSelectElement }) => onChange(event.currentTarget.value),
      },
      options.map(([value, text]) => h("option", { key: value, value }, text)),
    ),
  ]);
}

function Zone({ value, onChange }: { readonly value: string; readonly onChange: (zone: string) => void }) {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const zones = [...new Set(["UTC", ...Intl.supportedValuesOf("timeZone"), value])].filter((zone) =>
    zone !== "browser"
  );
  return h(Select, {
    label: "Time zone",
    value,
    options: [["browser", `this browser's (${own})`], ...zones.map((zone) => [zone, zone])],
    onChange,
  });
}

function Target({ value, onChange }: { readonly value: number; readonly onChange: (target: number) => void }) {
  /** What is being typed: the settings may be drawn again meanwhile. */
  const [typed, setTyped] = useState<string | null>(null);
  return h("label", null, [
    h("span", null, "Service level wanted, %"),
    h("input", {
      type: "number",
      min: 0,
      max: 99.9999,
      step: "any",
      value: typed ?? value,
      onInput: (event: { currentTarget: HTMLInputElement }) => setTyped(event.currentTarget.value),
      onChange: (event: { currentTarget: HTMLInputElement }) => {
        setTyped(null);
        if (event.currentTarget.value !== "") onChange(Number(event.currentTarget.value));
      },
    }),
  ]);
}

function Panels({ settings, onChange }: {
  readonly settings: Settings;
  readonly onChange: (changes: Partial<Settings>) => void;
}) {
  const order = panelOrder(settings.panels);
  // From what holds now: whoever clicks fast is ahead of what is drawn.
  const move = (name: string, by: number) => {
    const now = panelOrder(settingsNow().panels);
    const panels = now.filter((other) => other !== name);
    panels.splice(Math.max(0, now.indexOf(name) + by), 0, name);
    onChange({ panels });
  };
  const toggle = (name: string, isShown: boolean) =>
    onChange({
      hiddenPanels: [...settingsNow().hiddenPanels.filter((other) => other !== name), ...isShown ? [] : [name]],
    });
  return h("fieldset", null, [
    h("legend", null, "Panels and their order"),
    h(
      "ol",
      { class: "plain order" },
      order.map((name, at) => {
        const title = PANELS[name].title;
        return h("li", { key: name }, [
          h("label", null, [
            h("input", {
              type: "checkbox",
              checked: !settings.hiddenPanels.includes(name),
              onChange: (event: { currentTarget: HTMLInputElement }) => toggle(name, event.currentTarget.checked),
            }),
            title,
          ]),
          h(
            "button",
            { type: "button", "aria-label": `${title}: up`, disabled: at === 0, onClick: () => move(name, -1) },
            "↑",
          ),
          h("button", {
            type: "button",
            "aria-label": `${title}: down`,
            disabled: at === order.length - 1,
            onClick: () => move(name, 1),
          }, "↓"),
        ]);
      }),
    ),
  ]);
}
