/** One rule of every kind that minutes of services can tell of, each on its own, for measuring what each is good for. */
export const RULES_BY_KIND = `
rules:
  - {name: threshold p95, kind: threshold, metric: p95, by: [service], above: 4000, window: 3m, minEvents: 20}
  - {name: error_rate, kind: error_rate, above: 0.08, window: 2m, minErrors: 8}
  - {name: absence, kind: absence, by: [service], window: 3m, within: 1h}
  - {name: silent_service, kind: silent_service}
  - {name: rate_of_change count up, kind: rate_of_change, metric: count, above: 2, window: 5m}
  - {name: rate_of_change count down, kind: rate_of_change, metric: count, below: 0.5, window: 5m}
  - {name: rate_of_change errors, kind: rate_of_change, metric: errors, above: 4, window: 3m}
  - {name: hour_of_week count, kind: hour_of_week, metric: count, direction: both, window: 5m, deviations: 6, margin: 0.5, minChange: 50}
  - {name: hour_of_week errors, kind: hour_of_week, metric: errors, window: 5m, deviations: 6, margin: 2, minChange: 20}
  - {name: hour_of_week p95, kind: hour_of_week, metric: p95, window: 5m, deviations: 6, margin: 1, minChange: 50}
  - {name: ewma count down, kind: ewma, metric: count, direction: below, window: 2m, deviations: 6, margin: 0.3, minChange: 30}
  - {name: ewma errors, kind: ewma, metric: errors, deviations: 8, margin: 2, minChange: 12}
  - {name: ewma p95, kind: ewma, metric: p95, window: 2m, deviations: 6, margin: 0.5, minChange: 20}
  - {name: hour_of_week p50, kind: hour_of_week, metric: p50, window: 5m, deviations: 6, margin: 1, minChange: 20}
  - {name: ewma count up, kind: ewma, metric: count, direction: above, deviations: 8, margin: 1, minChange: 50}
  - {name: ewma p50, kind: ewma, metric: p50, window: 2m, deviations: 6, margin: 0.5, minChange: 10}
  - {name: burn_rate, kind: burn_rate, objective: 99, minErrors: 20, where: ["service!=payments|reporting"]}
  - {name: burn_rate payments, kind: burn_rate, objective: 90, minErrors: 20, where: ["service=payments|reporting"],
     pairs: [{factor: 5, long: 1h, short: 5m, severity: critical}, {factor: 3, long: 6h, short: 30m, severity: critical}]}
  - {name: new_fingerprint, kind: new_fingerprint}
  - {name: fingerprint_spike, kind: fingerprint_spike}
  - {name: unparsed_share, kind: unparsed_share}
`;
