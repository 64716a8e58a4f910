/** Schemas of Protobuf for tests, and values that Python's protobuf 7.36.2 wrote with code of protoc's from the same files. */
import type { SchemaReference } from "../../core/schemas/registry.ts";

/** What {@link ORDER} imports, each file after those that it imports itself. */
export const IMPORTS: readonly SchemaReference[] = [
  {
    name: "shared/level.proto",
    text: `syntax = "proto3";
package shop.shared;
enum LogLevel {
  LOG_LEVEL_UNSPECIFIED = 0;
  LOG_LEVEL_WARN = 1;
  LOG_LEVEL_ERROR = 5;
}
`,
  },
  {
    name: "shared/http.proto",
    text: `syntax = "proto3";
package shop.shared;
import 'shared/level.proto';
message Http {
  string method = 1;
  sint32 status_code = 2;
  string path = 3;
  LogLevel unused = 4;
}
`,
  },
];

export const ORDER = `syntax = "proto3";
package shop;
import 'google/protobuf/duration.proto';
import 'google/protobuf/timestamp.proto';
import 'google/protobuf/wrappers.proto';
import 'shared/http.proto';
import 'shared/level.proto';
message Ping {
  message Inner {
    string service = 3;
  }
  message Order {
    repeated string tags = 1;
    google.protobuf.Timestamp ts = 2;
    map<string, int64> attempts = 3;
    shared.LogLevel level = 4;
    shared.Http http = 5;
    google.protobuf.StringValue service = 6;
    bool is_retry = 7;
    google.protobuf.Duration duration = 8;
    bytes payload = 9;
    Order parent = 10;
    string message = 200;
    oneof user {
      int64 user_id = 12;
      string user_name = 13;
    }
    fixed64 bytes = 14;
    repeated double ratios = 15;
  }
  string message = 1;
}
message Payment {
  string event_type = 1;
  double amount = 2;
  string currency = 3;
  string status = 4;
  int64 timestamp = 5;
}
`;

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));

/**
 * Ping.Order(tags=["a","b"], level=LOG_LEVEL_ERROR, is_retry=True, payload=b"\\x00\\xff", message="no stock: é", user_id=-7,
 * bytes=123456789012, ratios=[1.5,2], ts=Timestamp(1772366400, 123456789), attempts={"k": 3}, service=StringValue("cart"),
 * http=Http(method="POST", status_code=-5, path="/cart"), duration=Duration(1, 250000000),
 * parent=Order(message="another", service=StringValue("none")))
 */
export const ORDER_VALUE = bytesOf(
  "0a01610a0162120b08c0d490cd0610959aef3a1a050a016b100320052a0f0a04504f535410091a052f6361727432060a0463" +
    "6172743801420708011080e59a774a0200ff521232060a046e6f6e65c20c07616e6f7468657260f9ffffffffffffffff0171" +
    "141a99be1c0000007a10000000000000f83f0000000000000040c20c0c6e6f2073746f636b3a20c3a9",
);
/** Payment(event_type="payment", amount=12.5, currency="eur", status="declined", timestamp=1772366400123) */
export const PAYMENT_VALUE = bytesOf(
  "0a077061796d656e741100000000000029401a0365757222086465636c696e656428fb9494caca33",
);
/** Ping(message="first") */
export const PING_VALUE = bytesOf("0a056669727374");
/** Ping.Inner(service="inner") */
export const INNER_VALUE = bytesOf("1a05696e6e6572");
