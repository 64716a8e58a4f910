"""Produces and consumes with librdkafka, for tests: an implementation of Kafka's protocol and codecs that is not ours.

  librdkafka.py produce BROKERS TOPIC CODEC   lines of JSON on stdin: {"key", "value", "timestamp"}, bytes in base64
  librdkafka.py bomb BROKERS TOPIC CODEC      one record of 100 MB of zeros
  librdkafka.py consume BROKERS TOPIC         prints partition 0 up to its end, the same way and with offsets
"""

import base64
import json
import sys

from confluent_kafka import Consumer, KafkaException, OFFSET_BEGINNING, Producer, TopicPartition

BOMB_BYTES = 100_000_000


def decoded(text):
    return None if text is None else base64.b64decode(text)


def encoded(data):
    return None if data is None else base64.b64encode(data).decode()


def producer(brokers, codec):
    return Producer({
        "bootstrap.servers": brokers,
        "compression.type": codec,
        "enable.idempotence": True,
        "linger.ms": 50,
        "message.max.bytes": 2 * BOMB_BYTES,
    })


def check(error, _message):
    if error is not None:
        raise KafkaException(error)


def produce(brokers, topic, codec):
    client = producer(brokers, codec)
    for line in sys.stdin:
        record = json.loads(line)
        client.produce(topic, partition=0, key=decoded(record["key"]), value=decoded(record["value"]),
                       timestamp=record["timestamp"], headers={"made-by": b"librdkafka"}, on_delivery=check)
    client.flush()


def bomb(brokers, topic, codec):
    client = producer(brokers, codec)
    client.produce(topic, partition=0, value=bytes(BOMB_BYTES), on_delivery=check)
    client.flush()


def consume(brokers, topic):
    client = Consumer({
        "bootstrap.servers": brokers,
        "group.id": f"librdkafka-{topic}",
        "enable.auto.commit": False,
        "check.crcs": True,
        "isolation.level": "read_committed",
        "fetch.message.max.bytes": 32_000_000,
    })
    _, end = client.get_watermark_offsets(TopicPartition(topic, 0), timeout=30)
    client.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    position = 0
    while position < end:
        message = client.poll(30)
        if message is None:
            raise TimeoutError(f"nothing came at offset {position} of {end}")
        check(message.error(), message)
        print(json.dumps({"offset": message.offset(), "timestamp": message.timestamp()[1],
                          "key": encoded(message.key()), "value": encoded(message.value())}))
        position = message.offset() + 1
    client.close()


{"produce": produce, "bomb": bomb, "consume": consume}[sys.argv[1]](*sys.argv[2:])
