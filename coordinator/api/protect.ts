import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { assert } from "../../shared/assert.js";
import { Fault } from "../../shared/fault.js";
import type { CallContext, Duplex, Handlers } from "../../shared/grpc.js";
import { type AuditNote, noteOf, type Origin } from "../core/access/audit.js";
import { authorize } from "../core/access/authorize.js";
import { refuseFallen } from "../core/access/caller.js";
import { filledIn, summaryOf } from "../core/access/request-field.js";
import { type MethodRule, ruleOfPath } from "../core/access/rule-of.js";
import type { State } from "../core/memory.js";
import type { OpenCalls } from "./open-calls.js";
import type { OpenStreams } from "./open-streams.js";
import { note, noteRefused, remember } from "./origin.js";

/** What the guard of every method needs. */
export interface Gate {
  /** Valid until the next await. */
  state(): State;
  now(): number;
  /** How the caller has shown who they are, in words. */
  credential(caller: CallContext["caller"]): string;
  /** Into the audit log: for calls that change nothing in the catalog, and those that were refused. */
  tell(note: AuditNote): void;
  openCalls: OpenCalls;
  /** Of calls whose first message has not come. */
  opening: OpenStreams;
}

type Anything = (first: unknown, context: CallContext) => unknown;

/**
 * The service's handlers, each behind its rule: called only for who may do that with what the request is about. What changes something is told in
 * the audit log, in the commit of the change where there is one.
 */
export function protect<S extends DescService>(service: S, handlers: Handlers<S>, gate: Gate): Handlers<S> {
  const guarded: Record<string, unknown> = {};
  for (const method of service.methods) {
    const handler = (handlers as Record<string, unknown>)[method.localName] as Anything;
    guarded[method.localName] = guard(method, handler, gate);
  }
  return guarded as Handlers<S>;
}

function guard(method: DescMethod, handler: Anything, gate: Gate): Anything {
  const path = `/${method.parent.typeName}/${method.name}`;
  const rule = ruleOfPath(path);
  assert(rule, `${path} has a rule in core/access/rules.ts`);
  // Agents' own: their connection is the proof, and what they say is judged by who keeps their sessions.
  if (rule.rule.needs === "node") return handler;
  switch (method.methodKind) {
    case "unary":
      return unary(rule, handler as Unary, gate);
    case "server_streaming":
      return serverStream(rule, handler as ServerStream, gate);
    case "bidi_streaming":
      return bidi(rule, handler as Bidi, gate) as Anything;
    default:
      throw new Error(`${path}: client streaming is not used here`);
  }
}

type Unary = (request: unknown, context: CallContext) => unknown;
type ServerStream = (request: unknown, context: CallContext) => AsyncIterable<unknown>;
type Bidi = (stream: Duplex<unknown, unknown>, context: CallContext) => Promise<void>;

const unary =
  (rule: MethodRule, handler: Unary, gate: Gate): Unary =>
  async (request, context) => {
    begin(rule, request, context, gate);
    return told(context, gate, async () => handler(request, context));
  };

const serverStream = (rule: MethodRule, handler: ServerStream, gate: Gate): ServerStream =>
  async function* (request, context) {
    begin(rule, request, context, gate);
    using call = gate.openCalls.add(context.caller, rule.rule, request);
    const signal = AbortSignal.any([context.signal, call.signal]);
    for await (const answer of handler(request, { ...context, signal })) {
      call.refuseCut();
      yield answer;
    }
    call.refuseCut();
  };

const bidi =
  (rule: MethodRule, handler: Bidi, gate: Gate): Bidi =>
  async (stream, context) => {
    const requests = stream.requests[Symbol.asyncIterator]();
    const first = await firstOf(requests, context, gate);
    const request = first.done ? {} : first.value;
    begin(rule, request, context, gate);
    using call = gate.openCalls.add(context.caller, rule.rule, request);
    call.onCut = (fault) => stream.fail(fault);
    const all = { [Symbol.asyncIterator]: () => resumed(first, requests) };
    const signal = AbortSignal.any([context.signal, call.signal]);
    const run = async () => {
      try {
        await handler({ ...stream, requests: all }, { ...context, signal });
      } catch (error) {
        // What it failed of then is only that it was cut.
        call.refuseCut();
        throw error;
      }
    };
    await told(context, gate, run, "at its begin");
  };

async function firstOf<T>(requests: AsyncIterator<T>, { peer }: CallContext, gate: Gate): Promise<IteratorResult<T>> {
  using _ = gate.opening.hold(peer);
  return await requests.next();
}

function resumed<T>(first: IteratorResult<T>, rest: AsyncIterator<T>): AsyncIterator<T> {
  let isFirst = true;
  return {
    next: () => {
      if (!isFirst) return rest.next();
      isFirst = false;
      return Promise.resolve(first);
    },
    return: (value) => rest.return?.(value) ?? Promise.resolve({ done: true, value }),
  };
}

/** Throws a Fault unless the caller may. */
function begin(method: MethodRule, request: unknown, context: CallContext, gate: Gate): void {
  const { rule } = method;
  const { caller } = context;
  try {
    if (rule.needs !== "anyone") {
      if (caller.kind !== "user") throw new Fault("unauthenticated", "no token was given: `stoker login` gets one");
      // The door has looked when the call began: its first message may come long after.
      refuseFallen(gate.state(), caller, gate.now());
      authorize(gate.state(), caller, rule, request);
    }
  } catch (error) {
    if (error instanceof Fault) gate.tell(noteOf(describe(method, request, context, gate), error.code));
    throw error;
  }
  if (rule.changes !== undefined) remember(context, describe(method, request, context, gate));
}

/** A time that is none is the caller's mistake, which the handler tells. */
const timeText = (ms: number) => (Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : String(ms));

const describe = ({ rule, verb }: MethodRule, request: unknown, { caller, peer }: CallContext, gate: Gate): Origin => ({
  caller: caller.kind === "user" ? caller : undefined,
  credential: gate.credential(caller),
  verb,
  target: filledIn(rule.changes ?? `{${"of" in rule ? rule.of : "id"}}`, request),
  summary: summaryOf(request, rule.shows ?? [], timeText),
  peer,
});

/** Tells what became of it, unless a commit has. */
async function told<T>(
  context: CallContext,
  gate: Gate,
  run: () => Promise<T>,
  when: "at its begin" | "at its end" = "at its end",
): Promise<T> {
  if (when === "at its begin") note(context, "ok", gate.tell);
  try {
    const result = await run();
    note(context, "ok", gate.tell);
    return result;
  } catch (error) {
    noteRefused(context, error, gate.tell);
    throw error;
  }
}
