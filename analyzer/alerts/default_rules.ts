/** The rules where no file names others: what most services want to be woken for, and what they want to see in the morning. */

/** In place of the name of a file, in messages. */
export const DEFAULT_RULES_NAME = "built-in rules";

export const DEFAULT_RULES = `# Rules of alerts. Without a file of your own (analyzer.rulesFile) these are in force.
# Every key is explained in docs/alerts.md. Check a change with: deno task alerts check FILE
rules:
  # ------------------------------------------------------------ wake somebody
  - name: errors burn the budget
    kind: burn_rate
    objective: 99 # yours may be stricter; with your own, add the pairs of 3x and 1x (docs/alerts.md)
    minErrors: 20
    confidence: 3 # after an incident the long window is over its limit for hours: chance must not be enough for the rest
    pairs:
      - {factor: 14.4, long: 1h, short: 5m, severity: critical}
      - {factor: 6, long: 6h, short: 30m, severity: critical}
    summary: At this rate of errors the month's error budget is spent within days.

  - name: error rate
    kind: error_rate
    above: 0.1
    window: 2m
    minErrors: 10
    severity: critical
    summary: More than 10 % of the events of the last two minutes are errors.

  - name: errors step up
    kind: ewma
    metric: errors
    deviations: 6
    margin: 2
    minChange: 10
    severity: error
    summary: Errors jumped far beyond what the last hours lead to expect.

  - name: service silent
    kind: silent_service
    severity: critical
    summary: A service that had events has none.

  - name: traffic drops
    kind: ewma
    metric: count
    direction: below
    deviations: 7
    margin: 0.4
    minChange: 30
    severity: error
    summary: A service has far fewer events than in the last hours.

  # ------------------------------------------------------------ look at it today
  - name: slower than before
    kind: ewma
    metric: p50
    window: 2m
    deviations: 6
    margin: 0.5
    minChange: 10
    severity: warning
    summary: The median of the response time jumped.

  - name: slower than usual
    kind: hour_of_week
    metric: p50
    window: 5m
    deviations: 6
    margin: 1
    minChange: 20
    severity: warning
    summary: The response time is far above what is usual at this hour of the week, as where something leaks.

  - name: traffic jumps
    kind: ewma
    metric: count
    deviations: 8
    margin: 1
    minChange: 50
    severity: warning
    summary: A service has many times the events of the last hours.

  - name: unusual traffic for the hour
    kind: hour_of_week
    metric: count
    direction: both
    window: 5m
    deviations: 6
    margin: 0.5
    minChange: 50
    severity: warning
    summary: Traffic is far from what is usual at this hour of the week.

  - name: unparsed records
    kind: unparsed_share
    above: 0.01
    window: 2m
    severity: warning
    summary: A format may have changed. /api/v1/quarantine has the records.

  # Errors that are new or spike are explained and told as incidents. As alerts (for Alertmanager):
  # - {name: new error, kind: new_fingerprint}
  # - {name: error spikes, kind: fingerprint_spike}

  # ------------------------------------------------------------ Millrace itself
  - name: behind the log
    kind: lag
    seconds: 120
    for: 2m
    severity: critical
    summary: Records wait in the log; minutes and alerts are late.

  - name: dimension at its cap
    kind: capped_dimension
    above: 0.01
    for: 5m
    severity: info
    summary: Values beyond the cap of a dimension are counted together.

inhibit:
  # While a page is open for a service, its warnings are not told of apart.
  - source: [severity=critical]
    target: [severity=error|warning|info]
    equal: [topic, service]
  # While minutes come late, what they lead to expect is no news.
  - source: [kind=lag]
    target: [kind=silent_service|absence]
    equal: [topic]
`;
