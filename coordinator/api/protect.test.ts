import { Metadata } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import type { Caller } from "../../shared/caller.js";
import { Fault } from "../../shared/fault.js";
import { NodeService } from "../../shared/gen/stoker/v1/node_service_pb.js";
import type { CallContext, Duplex, Handlers } from "../../shared/grpc.js";
import { tokenId, userId } from "../../shared/ids.js";
import { CoreWorld } from "../../test/build.js";
import type { AuditNote } from "../core/access/audit.js";
import { OpenCalls } from "./open-calls.js";
import { OpenStreams } from "./open-streams.js";
import { protect } from "./protect.js";

test("a shell whose token is revoked ends with that word, and so does the audit log", async () => {
  const world = new CoreWorld();
  const [user, token] = [userId(world.fresh()), tokenId(world.fresh())];
  world.send({ kind: "user-create", uuid: user, name: "ada", displayName: "" });
  world.send({ kind: "role-grant", user: "ada", workspace: "", role: "administrator" });
  world.send({ kind: "token-create", uuid: token, user: "ada", name: "t", hash: "h" });
  const caller: Caller = { kind: "user", name: "ada", user, token };
  const notes: AuditNote[] = [];
  const openCalls = new OpenCalls(
    () => world.state,
    () => world.now,
  );
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const exec: Handlers<typeof NodeService>["exec"] = async (_, { signal }) => {
    const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    begin();
    await aborted;
    throw new Fault("unavailable", "the relay was closed");
  };
  const guarded = protect(NodeService, { exec } as Handlers<typeof NodeService>, {
    ...{ state: () => world.state, now: () => world.now, credential: () => "token t" },
    ...{ tell: (note) => notes.push(note), openCalls, opening: new OpenStreams() },
  });
  const failed: Fault[] = [];
  async function* requests() {
    yield { message: { case: "start", value: { target: { nodeId: "n" } } } };
  }
  const stream = { requests: requests(), fail: (fault: Fault) => failed.push(fault) } as unknown as Duplex<
    never,
    never
  >;
  const context: CallContext = {
    ...{ metadata: new Metadata(), signal: new AbortController().signal, authority: "", peer: "10.0.0.1:1", caller },
  };
  const ending = guarded.exec(stream, context);
  await begun;
  world.send({ kind: "token-revoke", user: "ada", name: "t" });
  openCalls.lookAgain();
  await expect(ending).rejects.toMatchObject({ code: "unauthenticated" });
  expect(failed).toMatchObject([{ code: "unauthenticated", message: expect.stringContaining("was revoked") }]);
  expect(notes.map(({ verb, outcome }) => [verb, outcome])).toEqual([
    ["NodeService.Exec", "ok"],
    ["NodeService.Exec", "unauthenticated"],
  ]);
});
