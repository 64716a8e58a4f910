/** What the dashboard asks of the API, in the shapes of docs/http-api.md. */
export interface TopicInfo {
  readonly name: string;
  readonly measures: readonly string[];
  readonly lagRecords: number;
  readonly lagSeconds: number;
  readonly partitions: readonly { readonly watermark: string | null }[];
  readonly totals: { readonly events: number; readonly unparsed: number };
}

export interface ApiRow {
  readonly service: string;
  readonly endpoint: string;
  readonly count: number;
  readonly errors: number;
  readonly errorRate: number;
  readonly averageResponseTime: number | null;
}

export interface Summary {
  readonly sla: {
    readonly target: number;
    readonly availability: number | null;
    readonly isMet: boolean | null;
    readonly errorBudgetLeft: number | null;
  };
  readonly levels: readonly { readonly level: string; readonly count: number; readonly share: number }[];
  readonly averageResponseTimeByApi: readonly ApiRow[];
  readonly topErrorProneApis: readonly ApiRow[];
}

export interface SeriesAnswer {
  readonly unit: string;
  readonly series: readonly { readonly points: readonly (readonly [number, number | null])[] }[];
}

/** Asks the gateway; throws an Error with the problem's own words. */
export async function ask<T>(path: string, query: Readonly<Record<string, string>> = {}): Promise<T> {
  const response = await fetch(`${path}?${new URLSearchParams(query)}`);
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail ?? `${path}: ${response.status}`);
  return body;
}
