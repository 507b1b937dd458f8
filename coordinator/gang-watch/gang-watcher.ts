import type { Logger } from "pino";
import type { Telemetry } from "../../shared/gen/stoker/v1/node_pb.js";
import { Course } from "../core/gang-watch/course.js";
import { openFindings } from "../core/gang-watch/findings.js";
import type { Cell, Gang, WatchedGpu } from "../core/gang-watch/gang.js";
import { type RunningGang, runningGangs } from "../core/gang-watch/gangs.js";
import { idleLimits } from "../core/gang-watch/idle-limit.js";
import { judge } from "../core/gang-watch/judge.js";
import { reclaimDue } from "../core/gang-watch/reclaim.js";
import { differences, type GangWatched } from "../core/gang-watch/take.js";
import type { Thresholds } from "../core/gang-watch/thresholds.js";
import type { State } from "../core/memory.js";
import type { Instant, Node } from "../core/state.js";

/** What was measured of one node before, in equal steps; NaN where nothing was. */
export interface Past {
  from: number;
  stepMs: number;
  series: ReadonlyArray<{ name: string; means: readonly number[] }>;
}

export interface GangWatcherHost {
  state(): State;
  now(): Instant;
  tell(event: GangWatched): void;
  /** In at most so many steps. */
  past(node: Node, from: Instant, to: Instant, steps: number): Past | undefined;
  log: Logger;
}

const hourMs = 3_600_000;
/** Of an attempt that this program has not seen from its beginning: enough to know what its GPUs draw at work. */
const recalledSteps = 500;
/** A GPU that nobody has told of for so long is gone. */
const forgottenMs = hourMs;

/**
 * Keeps how each GPU went lately, and looks at the gangs that run on them once a step. The core hears of it when something has begun or ended,
 * so that a look costs no commit. After a restart the history of the nodes stands in for what was seen before.
 */
export class GangWatcher {
  private readonly courses = new Map<string, { course: Course; heardAt: Instant }>();
  private readonly keptMs: number;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly host: GangWatcherHost,
    private readonly thresholds: Thresholds,
  ) {
    const { hangAfter, stragglerAfter, idleAfter, step } = thresholds;
    this.keptMs = Math.max(hangAfter, stragglerAfter, idleAfter) + 2 * step;
  }

  start(): void {
    this.timer = setInterval(() => this.look(), this.thresholds.step);
    this.timer.unref();
  }

  close(): void {
    clearInterval(this.timer);
  }

  sampled(at: Instant, { gpus, cpuPercent }: Telemetry): void {
    for (const { uuid, utilizationPercent, powerWatts, smClockMhz, temperatureCelsius } of gpus) {
      if (uuid === "") continue;
      const known = this.courses.get(uuid) ?? { course: new Course(this.thresholds.step, this.keptMs), heardAt: at };
      known.heardAt = at;
      known.course.add(at, {
        ...given("utilizationPercent", utilizationPercent),
        ...given("powerWatts", powerWatts),
        ...given("smClockMhz", smClockMhz),
        ...given("temperatureCelsius", temperatureCelsius),
        ...given("cpuPercent", cpuPercent),
      });
      this.courses.set(uuid, known);
    }
  }

  /** At all gangs. */
  look(): void {
    const now = this.host.now();
    for (const gang of runningGangs(this.host.state())) this.lookAt(gang, now);
    for (const [uuid, { heardAt }] of this.courses) if (now - heardAt > forgottenMs) this.courses.delete(uuid);
  }

  private lookAt(running: RunningGang, now: Instant): void {
    const state = this.host.state();
    const job = state.jobs.get(running.job);
    if (!job) return;
    if (running.stands) {
      for (const { uuid } of running.gpus) this.courses.get(uuid)?.course.forget();
      return;
    }
    const limits = idleLimits(state, job).map(({ afterMs }) => afterMs);
    const open = openFindings(job);
    const gang: Gang = {
      ...{ now, since: running.since, rankCount: running.rankCount },
      gpus: running.gpus.map((gpu) => this.watched(gpu, running, now)),
      isFound: (kind, uuid) => open.some((each) => each.kind === kind && each.gpus.some((gpu) => gpu.uuid === uuid)),
      ...(limits.length > 0 ? { idleLimitMs: Math.min(...limits) } : {}),
    };
    const verdicts = judge(gang, this.thresholds);
    const { begun, ended, changed } = differences(job, verdicts, now);
    const isDue = reclaimDue(state, job, now, this.thresholds.idleWarning) !== undefined;
    if (begun.length + ended.length + changed.length === 0 && !isDue) return;
    for (const { sentence } of begun) this.host.log.warn({ job: job.uuid, name: job.name }, sentence);
    const { idleWarning: idleWarningMs } = this.thresholds;
    this.host.tell({ kind: "gang-watched", job: job.uuid, attempt: running.attempt, ...verdicts, idleWarningMs });
  }

  private watched(gpu: RunningGang["gpus"][number], running: RunningGang, now: Instant): WatchedGpu {
    const known = this.courses.get(gpu.uuid);
    if (!known) return { ...gpu, cells: [], worked: false };
    const { course } = known;
    if (course.hold(running.lease)) this.recall(course, gpu, running.since, now);
    const { cells, worked, busyWatts, restingWatts } = course;
    return {
      ...{ ...gpu, cells, worked },
      ...(busyWatts === undefined ? {} : { busyWatts }),
      ...(restingWatts === undefined ? {} : { restingWatts }),
    };
  }

  /** What it did under this lease before this program looked. */
  private recall(
    course: Course,
    { node: name, uuid }: RunningGang["gpus"][number],
    since: Instant,
    now: Instant,
  ): void {
    const node = [...this.host.state().nodes.values()].find((each) => each.name === name);
    if (!node || now - since < 2 * this.thresholds.step) return;
    const whole = this.host.past(node, since, now, recalledSteps);
    const lately = this.host.past(node, Math.max(since, now - this.keptMs), now, Number.MAX_SAFE_INTEGER);
    if (whole) course.learnFrom(cellsOf(whole, uuid, now));
    if (lately) course.recall(cellsOf(lately, uuid, now));
  }
}

/** Complete steps only. */
function cellsOf({ from, stepMs, series }: Past, uuid: string, now: Instant): Cell[] {
  const of = (name: string) => series.find((each) => each.name === name)?.means ?? [];
  const [used, watts] = [of(`gpu:${uuid}:utilization_percent`), of(`gpu:${uuid}:power_watts`)];
  const [clocks, degrees] = [of(`gpu:${uuid}:sm_clock_mhz`), of(`gpu:${uuid}:temperature_celsius`)];
  const cpu = of("cpu_percent");
  return used.flatMap((_, step) => {
    const at = from + step * stepMs;
    if (at + stepMs > now) return [];
    const cell = {
      ...{ at, ...given("utilizationPercent", used[step]), ...given("powerWatts", watts[step]) },
      ...{ ...given("smClockMhz", clocks[step]), ...given("temperatureCelsius", degrees[step]) },
      ...given("cpuPercent", cpu[step]),
    };
    return Object.keys(cell).length > 1 ? [cell] : [];
  });
}

const given = <K extends string>(name: K, value: number | undefined): { [P in K]?: number } =>
  value === undefined || Number.isNaN(value) ? {} : ({ [name]: value } as { [P in K]: number });
