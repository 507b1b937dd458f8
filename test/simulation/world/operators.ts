import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { ApiEvent } from "../../../coordinator/core/events.js";
import { Fault } from "../../../shared/fault.js";
import { ClusterSpecSchema, ScaleSettingsSchema } from "../../../shared/gen/stoker/v1/cluster_pb.js";
import { JobSpecSchema } from "../../../shared/gen/stoker/v1/job_pb.js";
import { clusterId, experimentId, jobId, workspaceId } from "../../../shared/ids.js";
import { randomProgram } from "./program.js";
import type { Random } from "./random.js";
import type { World } from "./world.js";

const answerWithinMs = 5_000;
const parent = "workspaces/w/experiments/e";

/** People and their programs: they ask, and ask again until there is an answer, with the same idempotency key. */
export class Operators {
  private readonly random: Random;
  private made = 0;
  private submitted = 0;
  /** Names of jobs that were accepted. */
  private readonly jobs: string[] = [];
  waiting = 0;

  constructor(private readonly world: World) {
    this.random = world.random.fork("operators");
  }

  /** The site's own resources, then whatever comes. */
  found(then: () => void): void {
    const { fixedNodes } = this.world.plan;
    const others = this.world.plan.machines.length - fixedNodes;
    this.ask(
      () => ({ kind: "workspace-create", uuid: workspaceId(this.uuid()), name: "w", tags: {}, location: "" }),
      () =>
        this.ask(
          () => ({ kind: "experiment-create", uuid: experimentId(this.uuid()), parent: "workspaces/w", name: "e" }),
          () =>
            this.ask(
              () => this.cluster("c", { manual: { targetNodeCount: fixedNodes } }),
              () => {
                if (others === 0) then();
                else
                  this.ask(
                    () => this.cluster("a", { autoScale: { minimumNodeCount: 0, maximumNodeCount: others } }),
                    then,
                  );
              },
            ),
        ),
    );
  }

  submit(): void {
    this.submitted += 1;
    const name = `j${this.submitted}`;
    const spec = this.spec(name);
    this.world.programs.set(`${parent}/jobs/${name}`, randomProgram(this.random, this.world.plan.longestJobMs));
    const idempotency = { key: name, digest: name };
    this.ask(
      () => ({ kind: "job-create", uuid: jobId(this.uuid()), parent, name, spec, idempotency }),
      () => this.jobs.push(name),
    );
  }

  terminate(): void {
    const name = this.someJob();
    if (name !== undefined) this.ask(() => ({ kind: "job-terminate", id: `${parent}/jobs/${name}` }));
  }

  remove(): void {
    const name = this.someJob();
    if (name === undefined) return;
    this.world.checker.unwant(name);
    this.ask(() => ({ kind: "job-delete", id: `${parent}/jobs/${name}` }));
  }

  drain(): void {
    const id = `nodes/${this.random.pick(this.world.plan.machines).name}`;
    this.ask(() => ({ kind: "node-drain", id, reason: "work on it" }));
    this.later(() => this.ask(() => ({ kind: "node-resume", id })));
  }

  reclaim(): void {
    const id = `nodes/${this.random.pick(this.world.plan.machines).name}`;
    this.ask(() => ({ kind: "node-reclaim", id, reason: "its owner needs it" }));
    this.later(() => this.ask(() => ({ kind: "node-resume", id })));
  }

  /** A machine that is off is struck off the list, and comes back all the same. */
  forget(): void {
    const id = `nodes/${this.random.pick(this.world.plan.machines).name}`;
    this.ask(() => ({ kind: "node-delete", id }));
  }

  resize(): void {
    const { fixedNodes } = this.world.plan;
    const option = this.random.pick(["requeue", "terminate", "waitforjobcompletion"]);
    const to = (targetNodeCount: number) => ({
      kind: "cluster-resize" as const,
      id: "workspaces/w/clusters/c",
      scale: create(ScaleSettingsSchema, { manual: { targetNodeCount, nodeDeallocationOption: option } }),
    });
    const fewer = this.random.int(0, fixedNodes - 1);
    this.ask(() => to(fewer));
    this.later(() => this.ask(() => to(fixedNodes)));
  }

  /** Everything that was taken away is given back. */
  restore(): void {
    const { machines, fixedNodes } = this.world.plan;
    for (const { name } of machines) this.ask(() => ({ kind: "node-resume", id: `nodes/${name}` }));
    const scale = create(ScaleSettingsSchema, { manual: { targetNodeCount: fixedNodes } });
    this.ask(() => ({ kind: "cluster-resize", id: "workspaces/w/clusters/c", scale }));
  }

  private later(run: () => void): void {
    this.world.timeline.after(this.random.span(500, 60_000), "an operator", run);
  }

  private someJob(): string | undefined {
    return this.jobs.length === 0 ? undefined : this.random.pick(this.jobs);
  }

  private spec(name: string) {
    const { random } = this;
    const { machines, fixedNodes, maxWallClock } = this.world.plan;
    const others = machines.length - fixedNodes;
    const auto = others > 0 && random.chance(0.25);
    const most = Math.min(3, auto ? others : fixedNodes);
    const nodes = random.chance(0.35) ? random.int(1, most) : 1;
    const whole = random.chance(0.3);
    const program = random.chance(0.5);
    const spec: MessageInitShape<typeof JobSpecSchema> = {
      cluster: { id: auto ? "a" : "c" },
      nodeCount: nodes,
      schedulingPriority: random.pick(["low", "normal", "normal", "high"]),
      constraints: { maxWallClockTime: maxWallClock(random) },
      toolkit:
        nodes > 1 || program
          ? { case: "pyTorchSettings", value: { pythonScriptFilePath: "t.py", processCount: nodes * random.int(1, 2) } }
          : { case: "customToolkitSettings", value: { commandLine: name } },
      retry: { maxCount: random.pick([0, 0, 1, 3]) },
    };
    if (!whole) spec.resources = { cpus: random.int(1, 4), gpus: random.int(0, 2) };
    if (random.chance(0.15)) spec.onLeaseLoss = "kill";
    if (random.chance(0.3)) spec.jobPreparation = { commandLine: "prepare" };
    if (random.chance(0.3)) spec.stdOutErrPathPrefix = "/out";
    if (random.chance(0.3)) {
      spec.mountVolumes = { unmanagedFileSystems: [{ mountCommand: "mount x", relativeMountPath: "data" }] };
    }
    return create(JobSpecSchema, spec);
  }

  private cluster(name: string, scaleSettings: MessageInitShape<typeof ScaleSettingsSchema>): ApiEvent {
    const nodeSetup = { setupTask: { commandLine: "prepare", stdOutErrPathPrefix: "/output" } };
    const spec = create(ClusterSpecSchema, { vmSize: "any", scaleSettings, nodeSetup });
    const uuid = clusterId(this.uuid());
    return { kind: "cluster-create", uuid, parent: "workspaces/w", name, spec, idempotency: { key: name, digest: "" } };
  }

  private uuid(): string {
    this.made += 1;
    return `00000000-0000-4000-8000-${this.made.toString(16).padStart(12, "0")}`;
  }

  /** `event` is made anew for each try, as a call of the API makes it. */
  private ask(event: () => ApiEvent, done: () => void = () => undefined): void {
    const { timeline, coordinator, network } = this.world;
    this.waiting += 1;
    let settled = false;
    const settle = (next: () => void) => {
      if (settled) return;
      settled = true;
      this.waiting -= 1;
      next();
    };
    const again = () =>
      settle(() => timeline.after(this.random.int(200, 2_000), "asked again", () => this.ask(event, done)));
    const way = () => network.delayMs(network.link("client", "coordinator"));
    const one = event();
    timeline.after(way(), `${one.kind} is asked`, () => {
      if (settled) return;
      coordinator.call(one, (answer) =>
        timeline.after(way(), "an answer", () => {
          this.world.seen("operator", () => `${nameOf(one)}: ${answer instanceof Fault ? answer.message : "done"}`);
          if (!(answer instanceof Fault)) settle(done);
          else if (answer.code === "unavailable" || answer.code === "resource-exhausted") again();
          // Made before, by a call whose answer was lost; or refused, and nobody counts on it.
          else settle(one.kind === "job-create" ? () => undefined : done);
        }),
      );
    });
    timeline.after(answerWithinMs, "no answer", again);
  }
}

const nameOf = (event: ApiEvent) => `${event.kind} ${"name" in event ? event.name : "id" in event ? event.id : ""}`;
