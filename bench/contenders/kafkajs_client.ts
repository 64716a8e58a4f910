/** kafkajs with the codecs that it lacks, and settings for reading fast. */
import { lz4Decompress } from "@platformatic/wasm-utils";
import kafkajs from "kafkajs";
import { Buffer } from "node:buffer";
import { zstdDecompressSync } from "node:zlib";

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs;
const none = () => Promise.reject(new Error("nothing is written"));
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: none,
  decompress: (bytes: Uint8Array) => Promise.resolve(Buffer.from(lz4Decompress(Buffer.from(bytes)))),
});
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: none,
  decompress: (bytes: Uint8Array) => Promise.resolve(zstdDecompressSync(bytes)),
});

const kafka = (brokers: string) => new Kafka({ brokers: brokers.split(","), logLevel: logLevel.ERROR });

export const admin = (brokers: string) => kafka(brokers).admin();

export const consumer = (brokers: string, groupId: string) =>
  kafka(brokers).consumer({
    groupId,
    maxBytesPerPartition: 8 * 1_048_576,
    maxBytes: 32 * 1_048_576,
    maxWaitTimeInMs: 50,
    sessionTimeout: 60_000,
  });
