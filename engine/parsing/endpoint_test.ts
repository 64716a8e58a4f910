import { expect } from "expect";
import fc from "fast-check";
import { ENDPOINT_BYTES_MAX, normalizeEndpoint, normalizeEndpointText } from "./endpoint.ts";

Deno.test("ids become :id", () => {
  for (
    const [endpoint, normal] of [
      ["/orders/8817", "/orders/:id"],
      ["/orders/8817/items/3", "/orders/:id/items/:id"],
      ["/users/6f1c2a34-0b5d-4e6f-8a9b-0c1d2e3f4a5b", "/users/:id"],
      ["/users/6F1C2A34-0B5D-4E6F-8A9B-0C1D2E3F4A5B/", "/users/:id/"],
      ["/commits/3f2a9c1d", "/commits/:id"],
      ["/objects/507f1f77bcf86cd799439011", "/objects/:id"],
      ["/wallets/0x52908400098527886E0F7030069857D2E4169EE7", "/wallets/:id"],
      ["/events/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/events/:id"],
      ["/files/2NEpo7TZRRrLZSi2U4kT7x", "/files/:id"],
      ["/orders/order-12345", "/orders/:id"],
      ["/customers/cus_9s6XKzkNRiz8i3", "/customers/:id"],
      ["/users/user_101/cart", "/users/:id/cart"],
    ]
  ) expect(normalizeEndpointText(endpoint)).toBe(normal);
});

Deno.test("names with numbers stay", () => {
  for (
    const endpoint of [
      "/",
      "/shuttle/missions/sts-71/images/ksc-1.gif",
      "/images/kibana-dashboard3.png",
      "/history/apollo/apollo-13/apollo-13.html",
      "/presentations/logstash-monitorama-2013/",
      "/events/puppetconf-2012",
      "/events/logstashmonitorama2013",
      "/api/v1/orders",
      "/deadbeef",
      "/facade",
      "/style2.css",
      "/12345.json",
      "/caf%C3%A9/%2e",
      "/straße",
      "*",
      "example.com:443",
    ]
  ) expect(normalizeEndpointText(endpoint)).toBe(endpoint);
});

Deno.test("query, fragment, parameters, origin and doubled slashes go", () => {
  for (
    const [endpoint, normal] of [
      ["/search?q=1&r=/a/2", "/search"],
      ["/page#top", "/page"],
      ["/cart;jsessionid=1A2B/items;x", "/cart/items"],
      ["http://example.com:80/orders/12?x", "/orders/:id"],
      ["HTTPS://example.com", "/"],
      ["//a///b//", "/a/b/"],
      ["/go/http://example.com/x", "/go/http:/example.com/x"],
      ["?x=1", "/"],
      ["", ""],
    ]
  ) expect(normalizeEndpointText(endpoint)).toBe(normal);
});

Deno.test("a long endpoint is cut at a whole character and says so", () => {
  const long = normalizeEndpointText("/" + "é".repeat(300));
  expect(long).toBe("/" + "é".repeat(99) + "*");
  expect(normalizeEndpointText("/" + "x".repeat(199))).toBe("/" + "x".repeat(199));
  expect(normalizeEndpointText("/" + "x".repeat(200))).toBe("/" + "x".repeat(198) + "*");
});

const isAscii = (text: string) => [...text].every((character) => character < "\u0080");

const piece = fc.oneof(
  fc.constantFrom(
    "/",
    "//",
    ":id",
    "?",
    "#",
    ";",
    "://",
    "http",
    "-",
    "_",
    "*",
    ".",
    "0x",
    "é",
    "日本",
    "%2F",
    "order-",
  ),
  fc.stringMatching(/^[0-9a-f]{1,40}$/),
  fc.stringMatching(/^[A-Za-z0-9]{1,30}$/),
  fc.nat().map(String),
  fc.uuid(),
  fc.string({ unit: "grapheme", maxLength: 8 }),
);
const endpoint = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(""));

Deno.test("the normal form is its own normal form, short, no longer than it may be, and ASCII where the input is", () => {
  fc.assert(
    fc.property(endpoint, (text) => {
      const normal = normalizeEndpointText(text);
      expect(normalizeEndpointText(normal)).toBe(normal);
      const length = new TextEncoder().encode(normal).length;
      expect(length).toBeLessThanOrEqual(ENDPOINT_BYTES_MAX);
      expect(length).toBeLessThanOrEqual(new TextEncoder().encode(text).length + 3 * (text.split("/").length));
      // No character is cut in half; a replacement character in the input may stay.
      if (!new TextDecoder().decode(new TextEncoder().encode(text)).includes("\ufffd")) {
        expect(normal).not.toContain("\ufffd");
      }
      expect(normal).not.toMatch(/[?#;]|\/\//);
      if (isAscii(text)) expect(isAscii(normal)).toBe(true);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("bytes around the endpoint do not matter, and a buffer of four times its length is enough", () => {
  fc.assert(
    fc.property(endpoint, (text) => {
      const bytes = new TextEncoder().encode(`9${text}9`);
      const out = new Uint8Array(Math.min(ENDPOINT_BYTES_MAX, 4 * (bytes.length - 2)));
      const length = normalizeEndpoint(bytes, 1, bytes.length - 1, out);
      expect(length).toBeLessThanOrEqual(out.length);
      expect(new TextDecoder().decode(out.subarray(0, length))).toBe(normalizeEndpointText(text));
    }),
    { numRuns: 1000 },
  );
});
