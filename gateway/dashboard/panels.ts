/** The panels of the dashboard: their names, titles and places. Which there are and in which order is a setting. */

export interface PanelPlace {
  readonly title: string;
  /** Sixths of the page's width, where there is room. */
  readonly span: 2 | 3 | 6;
}

/** In their own order. */
export const PANELS: Readonly<Record<string, PanelPlace>> = {
  alerts: { title: "Alerts", span: 6 },
  levels: { title: "Events by level", span: 6 },
  error_rate: { title: "Error rate", span: 2 },
  latency: { title: "Response time", span: 2 },
  service_level: { title: "Service level", span: 2 },
  breakdown: { title: "Breakdown", span: 3 },
  error_apis: { title: "Top error-prone APIs", span: 3 },
  events: { title: "Events", span: 6 },
  slow_apis: { title: "Average response time by API", span: 3 },
  level_shares: { title: "Log levels", span: 3 },
  export: { title: "Export this view", span: 6 },
  runs: { title: "Runs", span: 6 },
};

/** All panels: those that are wanted in that order, others where they are by themselves. */
export function panelOrder(wanted: readonly string[]): string[] {
  const names = Object.keys(PANELS);
  const known = wanted.filter((name) => names.includes(name));
  // One that came with a newer version goes behind the one that it follows by itself.
  return names.reduce<string[]>((order, name, at) => {
    if (order.includes(name)) return order;
    const before = at === 0 ? -1 : order.indexOf(names[at - 1]);
    return [...order.slice(0, before + 1), name, ...order.slice(before + 1)];
  }, known);
}
