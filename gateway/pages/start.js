// Topics with their rate, lag and last hour, asked of the API every few seconds. Text goes in as text, never as markup.
const REFRESH_MS = 3000;
const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 300;
const HEIGHT = 60;

const number = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const cards = new Map();

async function ask(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return await response.json();
}

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function makeCard(topic) {
  const card = element("article", "card");
  const title = element("h3");
  title.append(element("span", "", topic.name), element("span", "format", topic.format ?? "format not known yet"));
  const rate = element("div", "rate");
  const chart = document.createElementNS(SVG, "svg");
  chart.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  chart.setAttribute("preserveAspectRatio", "none");
  chart.setAttribute("role", "img");
  chart.setAttribute("aria-label", "events a minute, last hour");
  const area = document.createElementNS(SVG, "path");
  area.setAttribute("class", "area");
  const edge = document.createElementNS(SVG, "path");
  edge.setAttribute("class", "edge");
  chart.append(area, edge);
  const facts = element("dl");
  const values = {};
  for (const name of ["events", "unparsed", "lag", "partitions"]) {
    const pair = element("div");
    values[name] = element("dd");
    pair.append(element("dt", "", name), values[name]);
    facts.append(pair);
  }
  card.append(title, rate, chart, facts);
  document.getElementById("topics").append(card);
  return { card, title, rate, chart, area, edge, values };
}

function draw({ chart, area, edge }, points) {
  const most = Math.max(1, ...points.map(([, value]) => value ?? 0));
  const place = ([, value], i) => {
    const x = points.length < 2 ? 0 : i / (points.length - 1) * WIDTH;
    return `${x.toFixed(1)},${(HEIGHT - (value ?? 0) / most * (HEIGHT - 4) - 1).toFixed(1)}`;
  };
  const line = points.map(place).join(" L");
  edge.setAttribute("d", `M${line}`);
  area.setAttribute("d", `M0,${HEIGHT} L${line} L${WIDTH},${HEIGHT} Z`);
  chart.setAttribute("aria-label", `events a minute over the last hour, at most ${number.format(most)}`);
}

async function refreshTopic(topic) {
  // Made before anything is waited for: the cards then stand in the order of the topics.
  const parts = cards.get(topic.name) ?? makeCard(topic);
  cards.set(topic.name, parts);
  const name = encodeURIComponent(topic.name);
  const { series } = await ask(`/api/v1/series?topic=${name}&metric=count&step=1m&from=now-60m&to=now`);
  const points = series[0]?.points ?? [];
  parts.title.lastChild.textContent = topic.format ?? "format not known yet";
  // The last whole minute: the running one is still filling.
  const last = points.at(-2)?.[1] || points.at(-1)?.[1] || 0;
  parts.rate.replaceChildren(number.format(last), element("small", "", " events in the last minute"));
  draw(parts, points.slice(0, -1));
  parts.values.events.textContent = number.format(topic.totals.events);
  parts.values.unparsed.textContent = number.format(topic.totals.unparsed);
  parts.values.lag.textContent = topic.lagRecords === 0 ? "none" : `${topic.lagSeconds.toFixed(1)} s`;
  parts.values.partitions.textContent = String(topic.partitions.length);
}

async function refresh() {
  const health = document.getElementById("health");
  try {
    const { topics } = await ask("/api/v1/topics");
    document.getElementById("empty").hidden = topics.length > 0;
    for (const [name, { card }] of cards) {
      if (topics.some((topic) => topic.name === name)) continue;
      card.remove();
      cards.delete(name);
    }
    await Promise.all(topics.map(refreshTopic));
    const lag = Math.max(0, ...topics.map(({ lagSeconds }) => lagSeconds));
    health.textContent = lag > 10 ? `${lag.toFixed(0)} s behind` : "up to date";
    health.dataset.state = lag > 10 ? "bad" : "good";
  } catch {
    health.textContent = "no answer from the gateway";
    health.dataset.state = "bad";
  }
  setTimeout(refresh, REFRESH_MS);
}

const { origin } = location;
document.getElementById("examples").textContent = [
  `curl '${origin}/api/v1/series?topic=app-logs&metric=p95&by=service&from=now-30m'`,
  `curl '${origin}/api/v1/summary?topic=app-logs&from=now-1h'`,
  `curl '${origin}/api/v1/events?topic=app-logs&level=ERROR&q=timeout&limit=10'`,
  `curl -OJ '${origin}/api/v1/export?table=minutes&format=parquet&topic=app-logs'`,
  `curl --data-binary @app.log ${origin}/ingest/v1/my-topic`,
].join("\n");
refresh();
