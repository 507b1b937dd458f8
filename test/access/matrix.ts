import { create, type DescMessage, type DescMethod, type DescService, fromJson, toBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import type { Rule } from "../../coordinator/core/access/rule.js";
import { ruleOfPath } from "../../coordinator/core/access/rule-of.js";
import { NodeService } from "../../shared/gen/stoker/v1/node_service_pb.js";
import { FakeAgent } from "../fakes/agent.js";
import { CoordinatorProcess, tinyJob } from "../fakes/coordinator-process.js";
import { until } from "../fakes/until.js";
import { type Certified, Credentials, certified, others, people, personOf, type Who } from "./credentials.js";
import { allMethods } from "./services.js";

/** Every call with every credential, against a real coordinator: what comes must be what the table says. */
export interface MatrixResult {
  methods: number;
  credentials: number;
  tried: number;
  /** What came otherwise, in words. */
  wrong: string[];
  /** Methods without a rule, or that are not served. */
  missing: string[];
}

type Verdict = "allowed" | "denied" | "hidden" | "unauthenticated" | "unanswered";

/** One request, and in words what it is about. */
interface Variant {
  about: "alpha" | "nothing" | "oneself" | "another";
  fields: Record<string, unknown>;
}

export async function runMatrix(): Promise<MatrixResult> {
  const coordinator = new CoordinatorProcess();
  // The node that is away stays in its cluster until the end.
  await coordinator.start(["--tls", "migrate", "--lease-margin-ms", "600000"]);
  const closing: Array<() => void> = [];
  try {
    await furnish(coordinator);
    const credentials = await Credentials.make(coordinator);
    closing.push(() => credentials.close());
    return await tryAll(credentials);
  } finally {
    for (const close of closing) close();
    await coordinator.dispose();
  }
}

/** `alpha` has a cluster with a node, and can't be deleted: a job of `beta` is on it. */
async function furnish(coordinator: CoordinatorProcess): Promise<void> {
  await coordinator.furnish("alpha");
  const parent = await coordinator.furnish("beta");
  const spec = { ...tinyJob(), cluster: { id: "workspaces/alpha/clusters/c" }, resources: { cpus: 2 } };
  await coordinator.jobs.createJob({ parent, name: "guest", spec });
  const agents = ["taken"].map((name) => {
    const agent = new FakeAgent(coordinator.address, coordinator.token);
    agent.hello(name, { address: `host-${name}` });
    return agent;
  });
  for (const agent of agents) await agent.hears("welcome");
  const nodes = coordinator.client(NodeService);
  let cluster = "";
  const look = setInterval(() => {
    void nodes.getNode({ id: "taken" }).then(({ node }) => {
      cluster = node?.clusterId ?? "";
    });
  }, 50);
  await until("the cluster has its node", () => cluster !== "", 20_000);
  clearInterval(look);
  // Nobody waits for what they would answer: they don't.
  for (const agent of agents) agent.close();
}

async function tryAll(credentials: Credentials): Promise<MatrixResult> {
  const methods = await allMethods();
  const everybody: Who[] = [...people, ...(Object.keys(certified) as Certified[]), ...others];
  const result: MatrixResult = {
    ...{ methods: methods.length, credentials: everybody.length, tried: 0 },
    ...{ wrong: [], missing: [] },
  };
  const tryOne = async ({ service, method }: (typeof methods)[number]) => {
    const path = `/${service.typeName}/${method.name}`;
    const rule = ruleOfPath(path);
    if (!rule) {
      result.missing.push(path);
      return;
    }
    for (const variant of variantsOf(service, method, rule.rule)) {
      const message = toBinary(method.input, requestOf(method.input, variant.fields));
      const answers = everybody.map(async (who) => {
        // It would take away what the next calls are made with.
        const calls =
          method.name === "SignOut" && personOf(who) ? await credentials.another(who as Certified) : undefined;
        const answer = await (calls ?? credentials.of(who)).call(service, method, [message]);
        calls?.close();
        const expected = expectedOf(rule.rule, who, variant.about);
        const got = verdictOf(answer);
        result.tried += 1;
        if (answer.code === status.UNIMPLEMENTED) result.missing.push(`${path} is not served`);
        else if (got !== expected) {
          const found = `${got} (${status[answer.code]}: ${answer.details})`;
          result.wrong.push(`${rule.verb} about ${variant.about} by ${who}: ${found}, but the table says ${expected}`);
        }
      });
      await Promise.all(answers);
    }
  };
  // A few at a time: on a machine that is busy with other things, all at once would wait for one another beyond each one's limit.
  const left = methods.values();
  const work = async () => {
    for (const each of left) await tryOne(each);
  };
  await Promise.all(Array.from({ length: methodsAtOnce }, work));
  return result;
}

const methodsAtOnce = 6;

const ranks = ["reader", "contributor", "owner"];

/** By the words of the table alone. */
function expectedOf(rule: Rule, who: Who, about: Variant["about"]): Verdict {
  const person = personOf(who);
  const isChief = person === "chief" || who === "coordinator's token";
  if (who === "node certificate") return rule.needs === "node" ? "allowed" : "denied";
  if (rule.needs === "anyone") return "allowed";
  // While machines go over to certificates, an agent may come with that token.
  if (rule.needs === "node") return who === "coordinator's token" ? "allowed" : "unauthenticated";
  if (!person && !isChief) return "unauthenticated";
  if (isChief || rule.needs === "user") return "allowed";
  if (rule.needs === "administrator") return "denied";
  if (rule.needs === "own") return about === "oneself" || person === "reader" ? "allowed" : "denied";
  if (about === "nothing") return rule.else === "user" ? "allowed" : "denied";
  if (person === "stranger") return "hidden";
  return ranks.indexOf(person ?? "") >= ranks.indexOf(rule.needs) ? "allowed" : "denied";
}

/** Refusals of what was asked, which come after that of who asks. */
const ofTheCallItself = /name or the password is wrong|token is no join token|join token|joining token|ID token/i;

const unanswered = new Set([status.CANCELLED, status.DEADLINE_EXCEEDED, status.UNAVAILABLE, status.INTERNAL]);

function verdictOf({ code, details }: { code: status; details: string }): Verdict {
  if (unanswered.has(code)) return "unanswered";
  if (code === status.UNAUTHENTICATED) return ofTheCallItself.test(details) ? "allowed" : "unauthenticated";
  if (code === status.PERMISSION_DENIED) return ofTheCallItself.test(details) ? "allowed" : "denied";
  return code === status.NOT_FOUND && details.includes("you have no role") ? "hidden" : "allowed";
}

/** What there is not, so that nothing is changed by who may change it. */
const ids: Record<string, string> = {
  WorkspaceService: "workspaces/alpha",
  ClusterService: "workspaces/alpha/clusters/none",
  FileServerService: "workspaces/alpha/fileServers/none",
  SecretService: "workspaces/alpha/secrets/none",
  ExperimentService: "workspaces/alpha/experiments/none",
  JobService: "workspaces/alpha/experiments/none/jobs/none",
  NodeService: "nodes/none",
  UserService: "users/none",
};

function variantsOf({ name }: DescService, { input, localName }: DescMethod, rule: Rule): Variant[] {
  const fields: Record<string, unknown> = {};
  const has = (field: string) => input.fields.some((each) => each.localName === field);
  if (has("id")) fields.id = ids[name] ?? "none";
  if (has("parent")) fields.parent = name === "JobService" ? "workspaces/alpha/experiments/none" : "workspaces/alpha";
  if (name === "RoleService" && has("user")) fields.user = "users/none";
  if (rule.needs === "own") {
    return [
      { about: "oneself", fields: { ...fields, [rule.of]: "" } },
      { about: "another", fields: { ...fields, [rule.of]: "users/reader" } },
    ];
  }
  if (localName === "exec" || localName === "forward") {
    const start = (target: object) => ({ start: { target } });
    return [
      { about: "alpha", fields: start({ jobId: ids.JobService }) },
      { about: "nothing", fields: start({ nodeId: "nodes/none" }) },
    ];
  }
  if (!("of" in rule)) return [{ about: "nothing", fields }];
  if (rule.through === "cluster") {
    return [
      { about: "alpha", fields: { ...fields, id: "nodes/taken" } },
      { about: "nothing", fields: { ...fields, id: "nodes/none" } },
    ];
  }
  const id = ids[rule.of === "clusterId" ? "ClusterService" : name];
  const given = { ...fields, [rule.of]: fields[rule.of] ?? id ?? "workspaces/alpha" };
  const alpha: Variant = { about: "alpha", fields: given };
  return rule.else === undefined ? [alpha] : [alpha, { about: "nothing", fields: { ...given, [rule.of]: "" } }];
}

function requestOf(input: DescMessage, fields: Record<string, unknown>) {
  const named = input.fields.map(({ localName }) => localName);
  const inOneof = input.oneofs.flatMap((oneof) => oneof.fields.map(({ localName }) => localName));
  const known = Object.entries(fields).filter(([name]) => named.includes(name) || inOneof.includes(name));
  return known.length === 0 ? create(input) : fromJson(input, Object.fromEntries(known) as never);
}
