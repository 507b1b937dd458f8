import type { Settings } from "./settings.js";
import type { Cluster } from "./state.js";

/** Where the performance counters of a cluster's nodes go, which its file names as Batch AI did: by an Application Insights component. */
export interface CounterSink {
  readonly component: string;
  /** Absent: the site has mapped nothing to the component. */
  readonly endpoint?: string;
}

export function counterSinkOf(settings: Settings, { spec }: Cluster): CounterSink | undefined {
  const insights = spec.nodeSetup?.performanceCountersSettings?.appInsightsReference;
  const component = insights?.component?.id ?? "";
  if (component === "") return undefined;
  const sinks = Object.entries(settings.counterSinks ?? {});
  // Exactly that before its name alone, and that before any.
  const found = [component, leafOf(component), "*"].flatMap(
    (wanted) => sinks.find(([name]) => name.toLowerCase() === wanted.toLowerCase())?.[1] ?? [],
  )[0];
  return found === undefined ? { component } : { component, endpoint: found };
}

const leafOf = (id: string) => id.slice(id.lastIndexOf("/") + 1);

/** For people, when they asked for what does not happen. */
export function counterWarnings(settings: Settings, cluster: Cluster): string[] {
  const sink = counterSinkOf(settings, cluster);
  if (!sink || sink.endpoint !== undefined) return [];
  return [
    `performance counters are not sent: the operator maps ${leafOf(sink.component)} to a receiver of OTLP with --counter-sinks ${leafOf(sink.component)}=http://HOST:4318`,
  ];
}
