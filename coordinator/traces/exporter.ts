import type { ReadableSpan, SpanExporter, SpanProcessor } from "@opentelemetry/sdk-trace";
import type { Logger } from "pino";
import { version } from "../../shared/version.js";
import type { FinishedSpan } from "./span.js";

export interface TraceExportOptions {
  /** Of an OTLP receiver over HTTP, such as http://collector:4318 */
  endpoint: URL;
  headers: Record<string, string>;
  /** PEM. */
  ca?: string;
  /** Names this coordinator. */
  instance: string;
  log: Logger;
}

/** What waits to be sent; more is dropped, because nothing waits for it. */
const queueMax = 4_096;
const batchMax = 512;
const batchMs = 2_000;
const timeoutMs = 5_000;

/** Sends spans in batches, behind everything else. Loads OpenTelemetry with its start. */
export class TraceExport {
  private constructor(
    private readonly processor: SpanProcessor,
    private readonly made: (span: FinishedSpan) => ReadableSpan,
  ) {}

  static async start(options: TraceExportOptions): Promise<TraceExport> {
    const [{ BatchSpanProcessor }, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
      import("@opentelemetry/sdk-trace"),
      import("@opentelemetry/exporter-trace-otlp-http"),
      import("@opentelemetry/resources"),
    ]);
    const { endpoint, headers, ca, instance, log } = options;
    const inner = new OTLPTraceExporter({
      ...{ url: signalUrl(endpoint, "v1/traces"), headers, timeoutMillis: timeoutMs },
      ...(ca === undefined ? {} : { httpAgentOptions: { ca } }),
    });
    const processor = new BatchSpanProcessor({
      exporter: told(inner, endpoint, log),
      ...{ maxQueueSize: queueMax, maxExportBatchSize: batchMax, scheduledDelayMillis: batchMs },
      exportTimeoutMillis: timeoutMs,
    });
    const resource = resourceFromAttributes({
      ...{ "service.name": "stoker-coordinator", "service.version": version, "service.instance.id": instance },
    });
    return new TraceExport(processor, (span) => readable(span, resource));
  }

  send(spans: readonly FinishedSpan[]): void {
    for (const span of spans) this.processor.onEnd(this.made(span));
  }

  /** What waits is sent, if there is somebody to take it within a moment. */
  async stop(withinMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, withinMs);
    });
    await Promise.race([this.processor.shutdown().catch(() => undefined), late]);
    clearTimeout(timer);
  }
}

/** An endpoint without a path is the receiver's root. */
export function signalUrl(endpoint: URL, path: string): string {
  if (endpoint.pathname !== "/" && endpoint.pathname !== "") return endpoint.href;
  return new URL(`/${path}`, endpoint).href;
}

/** Logs when sending begins to fail, and when it goes again. */
function told(inner: SpanExporter, endpoint: URL, log: Logger): SpanExporter {
  let fails = false;
  return {
    export: (spans, done) =>
      inner.export(spans, (result) => {
        if ((result.code !== 0) !== fails) {
          fails = !fails;
          const facts = { endpoint: endpoint.host, ...(result.error ? { reason: result.error.message } : {}) };
          if (fails) log.warn(facts, "traces can't be sent; those that find no room in the queue are dropped");
          else log.info(facts, "traces are sent again");
        }
        // It is told here; the library would tell it in its own way.
        done({ code: 0 });
      }),
    shutdown: () => inner.shutdown(),
  };
}

const sampled = 1;
const internal = 0;
const [unset, failed] = [0, 2];
const timeOf = (ms: number): [number, number] => [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];

function readable(span: FinishedSpan, resource: ReadableSpan["resource"]): ReadableSpan {
  const { traceId, spanId, parentSpanId, remoteParent = false, from, to } = span;
  return {
    ...{ name: span.name, kind: internal, ended: true, resource, links: [] },
    spanContext: () => ({ traceId, spanId, traceFlags: sampled }),
    ...(parentSpanId === undefined
      ? {}
      : { parentSpanContext: { traceId, spanId: parentSpanId, traceFlags: sampled, isRemote: remoteParent } }),
    ...{ startTime: timeOf(from), endTime: timeOf(to), duration: timeOf(to - from) },
    status: span.error === undefined ? { code: unset } : { code: failed, message: span.error.slice(0, 1000) },
    attributes: { ...span.attributes },
    events: (span.events ?? []).map(({ at, name, text }) => ({
      name,
      time: timeOf(at),
      attributes: { message: text },
    })),
    instrumentationScope: { name: "stoker", version },
    ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
  };
}
