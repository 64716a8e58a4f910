// A consumer as one writes it by hand for speed: two threads, partitions assigned, Jackson's streaming parser (or one
// precompiled pattern for access logs), a hash map of cells with log-linear histograms. Reads the topic twice; the second,
// warm time counts. Arguments: BROKERS TOPIC json|wide|access FILE. Prints one line of JSON, and writes the minutes to FILE.
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

public final class JvmMinutes {
  record Key(long minute, String a, String b, String c, String d, String e) {}

  static final class Cell {
    long count, errors;
    double min = Double.POSITIVE_INFINITY, max = Double.NEGATIVE_INFINITY, sum;
    int[] histogram = new int[1200];

    void add(double value, boolean isError) {
      count++;
      if (isError) errors++;
      if (value < min) min = value;
      if (value > max) max = value;
      sum += value;
      int bin = value <= 0 ? 0 : (int) (Math.log(value) * 49.49) + 350; // 2 % wide
      histogram[Math.max(0, Math.min(1199, bin))]++;
    }
  }

  static abstract class Reader extends Thread {
    final Map<Key, Cell> cells = new HashMap<>();
    final Properties settings;
    final List<TopicPartition> partitions;
    long records;
    Throwable failure;
    String prefix = "";
    long minute;

    Reader(Properties settings, List<TopicPartition> partitions) {
      this.settings = settings;
      this.partitions = partitions;
    }

    abstract void apply(byte[] value) throws Exception;

    @Override
    public void run() {
      try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings)) {
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
        Map<TopicPartition, Long> ends = new HashMap<>(consumer.endOffsets(partitions));
        ends.values().removeIf(end -> end == 0);
        while (!ends.isEmpty()) {
          for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
            apply(record.value());
            records++;
          }
          ends.entrySet().removeIf(end -> consumer.position(end.getKey()) >= end.getValue());
        }
      } catch (Throwable thrown) {
        failure = thrown;
      }
    }

    /** Epoch minutes; the minute of the prefix before is remembered. */
    long minuteOf(String time) {
      String start = time.substring(0, 16);
      if (!start.equals(prefix)) {
        prefix = start;
        minute = LocalDateTime.parse(start).toEpochSecond(ZoneOffset.UTC) / 60;
      }
      return minute;
    }

    void count(long minute, String a, String b, String c, String d, String e, double value, boolean isError) {
      Key key = new Key(minute, a, b, c, d, e);
      Cell cell = cells.get(key);
      if (cell == null) cells.put(key, cell = new Cell());
      cell.add(value, isError);
    }
  }

  static final JsonFactory JSON = new JsonFactory();

  static final class JsonReader extends Reader {
    JsonReader(Properties settings, List<TopicPartition> partitions) {
      super(settings, partitions);
    }

    @Override
    void apply(byte[] value) throws Exception {
      String service = null, level = null, method = null, path = null, status = null;
      long at = 0;
      double time = 0;
      try (JsonParser parser = JSON.createParser(value)) {
        parser.nextToken();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
          String name = parser.currentName();
          parser.nextToken();
          switch (name) {
            case "@timestamp" -> at = minuteOf(parser.getText());
            case "service" -> service = parser.getText();
            case "level" -> level = parser.getText();
            case "method" -> method = parser.getText();
            case "path" -> path = parser.getText();
            case "status" -> status = parser.getText();
            case "response_time_ms" -> time = parser.getDoubleValue();
            default -> parser.skipChildren();
          }
        }
      }
      boolean isError = level.equals("ERROR") || level.equals("FATAL") || status.charAt(0) == '5';
      count(at, service, level, method, path, status, time, isError);
    }
  }

  static final class WideReader extends Reader {
    WideReader(Properties settings, List<TopicPartition> partitions) {
      super(settings, partitions);
    }

    /** Goes into an object down to the one key; what else is in it is passed over. */
    static String within(JsonParser parser, String... names) throws Exception {
      String found = null;
      if (parser.currentToken() != JsonToken.START_OBJECT) return null;
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        boolean isWanted = parser.currentName().equals(names[0]);
        parser.nextToken();
        if (!isWanted) parser.skipChildren();
        else if (names.length == 1) found = parser.getText();
        else found = within(parser, java.util.Arrays.copyOfRange(names, 1, names.length));
      }
      return found;
    }

    @Override
    void apply(byte[] value) throws Exception {
      String service = null, level = null, method = null, path = null, status = null, duration = "0";
      long at = 0;
      try (JsonParser parser = JSON.createParser(value)) {
        parser.nextToken();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
          String name = parser.currentName();
          parser.nextToken();
          switch (name) {
            case "@timestamp" -> at = minuteOf(parser.getText());
            case "service" -> service = within(parser, "name");
            case "log" -> level = within(parser, "level");
            case "url" -> path = within(parser, "path");
            case "event" -> duration = within(parser, "duration");
            case "http" -> {
              while (parser.nextToken() != JsonToken.END_OBJECT) {
                boolean isRequest = parser.currentName().equals("request");
                parser.nextToken();
                if (isRequest) method = within(parser, "method");
                else status = within(parser, "status_code");
              }
            }
            default -> parser.skipChildren();
          }
        }
      }
      boolean isError = level.equals("ERROR") || level.equals("FATAL") || status.charAt(0) == '5';
      count(at, service, level, method, path, status, Long.parseLong(duration) / 1e6, isError);
    }
  }

  static final class AccessReader extends Reader {
    static final Pattern LINE = Pattern.compile("^(\\S+) \\S+ \\S+ \\[([^\\]]+)\\] \"(\\S+) (\\S+) [^\"]*\" (\\d{3}) (\\d+)");
    static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm", Locale.ENGLISH);
    final Matcher matcher = LINE.matcher("");

    AccessReader(Properties settings, List<TopicPartition> partitions) {
      super(settings, partitions);
    }

    @Override
    void apply(byte[] value) {
      matcher.reset(new String(value, StandardCharsets.UTF_8));
      if (!matcher.find()) throw new IllegalArgumentException("no access log");
      String start = matcher.group(2).substring(0, 17);
      if (!start.equals(prefix)) {
        prefix = start;
        minute = LocalDateTime.parse(start, TIME).toEpochSecond(ZoneOffset.UTC) / 60;
      }
      String status = matcher.group(5);
      count(minute, matcher.group(1), matcher.group(4), status, matcher.group(3), "",
          Long.parseLong(matcher.group(6)), status.charAt(0) == '5');
    }
  }

  static List<Reader> run(String brokers, String topic, String shape) throws Exception {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", brokers);
    settings.put("key.deserializer", ByteArrayDeserializer.class.getName());
    settings.put("value.deserializer", ByteArrayDeserializer.class.getName());
    settings.put("max.poll.records", 20_000);
    settings.put("max.partition.fetch.bytes", 8 << 20);
    settings.put("fetch.max.bytes", 32 << 20);
    settings.put("receive.buffer.bytes", 1 << 20);
    settings.put("enable.auto.commit", false);
    List<List<TopicPartition>> shares = List.of(new ArrayList<>(), new ArrayList<>());
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings)) {
      int partitions = consumer.partitionsFor(topic).size();
      for (int p = 0; p < partitions; p++) shares.get(p % 2).add(new TopicPartition(topic, p));
    }
    List<Reader> readers = new ArrayList<>();
    for (List<TopicPartition> share : shares) {
      if (share.isEmpty()) continue;
      Reader reader = switch (shape) {
        case "json" -> new JsonReader(settings, share);
        case "wide" -> new WideReader(settings, share);
        default -> new AccessReader(settings, share);
      };
      readers.add(reader);
      reader.start();
    }
    for (Reader reader : readers) {
      reader.join();
      if (reader.failure != null) throw new Exception(reader.failure);
    }
    return readers;
  }

  static double cpuSeconds() throws Exception {
    String stat = Files.readString(Path.of("/proc/self/stat"));
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / 100.0;
  }

  static long peakBytes() throws Exception {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmHWM")) return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
    }
    return 0;
  }

  public static void main(String[] arguments) throws Exception {
    run(arguments[0], arguments[1], arguments[2]);
    double cpuBefore = cpuSeconds();
    long before = System.nanoTime();
    List<Reader> readers = run(arguments[0], arguments[1], arguments[2]);
    double seconds = (System.nanoTime() - before) / 1e9;
    double cpu = cpuSeconds() - cpuBefore;
    long records = 0;
    try (PrintWriter out = new PrintWriter(Files.newBufferedWriter(Path.of(arguments[3])))) {
      for (Reader reader : readers) {
        records += reader.records;
        reader.cells.forEach((key, cell) -> {
          List<String> values = new ArrayList<>();
          Collections.addAll(values, key.a(), key.b(), key.c(), key.d());
          if (!key.e().isEmpty()) values.add(key.e());
          out.printf(Locale.ROOT, "[%d,[\"%s\"],%d,%d,%s,%s,%s]%n", key.minute(), String.join("\",\"", values), cell.count,
              cell.errors, cell.min, cell.max, cell.sum / cell.count);
        });
      }
    }
    System.out.printf(Locale.ROOT, "{\"records\":%d,\"seconds\":%f,\"cpuSeconds\":%f,\"peakRssBytes\":%d}%n", records, seconds,
        cpu, peakBytes());
  }
}
