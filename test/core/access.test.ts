import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import type { Origin } from "../../coordinator/core/access/audit.js";
import { authorize } from "../../coordinator/core/access/authorize.js";
import { isAdministrator, refuseFallen, roleIn, type UserCaller } from "../../coordinator/core/access/caller.js";
import { certifiedUntil } from "../../coordinator/core/access/certificates.js";
import { filledIn, summaryOf } from "../../coordinator/core/access/request-field.js";
import { apply } from "../../coordinator/core/apply.js";
import type { ApiEvent } from "../../coordinator/core/events.js";
import { findWorkspace } from "../../coordinator/core/names.js";
import { allocationOf } from "../../coordinator/core/scaling/allocation.js";
import { defaultSettings, type Settings } from "../../coordinator/core/settings.js";
import { step } from "../../coordinator/core/step.js";
import { ClusterSpecSchema } from "../../shared/gen/stoker/v1/cluster_pb.js";
import { FileServerSpecSchema } from "../../shared/gen/stoker/v1/file_server_pb.js";
import { clusterId, fileServerId, tokenId, userId } from "../../shared/ids.js";
import { CoreWorld } from "../build.js";

const bootstrap: UserCaller = { kind: "user", name: "administrator", isBootstrap: true };

class Lab extends CoreWorld {
  constructor(settings: Settings = defaultSettings) {
    super(settings);
    this.workspace();
    this.workspace("other");
    this.experiment();
  }

  user(name: string): UserCaller {
    const uuid = userId(this.fresh());
    this.send({ kind: "user-create", uuid, name, displayName: "" });
    return { kind: "user", name, user: uuid };
  }

  grant(user: string, role: string, workspace = "workspaces/w"): void {
    this.send({ kind: "role-grant", user, workspace, role });
  }

  /** As the API asks for it. */
  asked(caller: UserCaller, event: ApiEvent) {
    const origin: Origin = { caller, credential: "token t", verb: "V", target: "t", summary: "", peer: "p" };
    const result = step(this.state, event, this.now, { settling: true, origin });
    this.rows.write(result.changes);
    apply(this.state, result.changes);
    return result.changes.flatMap((change) =>
      change.kind === "put" && change.table === "audit-entry" ? [change.row] : [],
    );
  }

  roleOf(caller: UserCaller, workspace = "w") {
    return roleIn(this.state, caller, findWorkspace(this.state, `workspaces/${workspace}`));
  }
}

describe("roles", () => {
  it("hold in their workspace alone, over restarts, until they are revoked or the workspace goes", () => {
    const lab = new Lab();
    const ada = lab.user("ada");
    expect(lab.roleOf(ada)).toBeUndefined();
    lab.grant("ada", "Contributor");
    expect(lab.roleOf(ada)).toBe("contributor");
    expect(lab.roleOf(ada, "other")).toBeUndefined();
    lab.restart();
    expect(lab.roleOf(ada)).toBe("contributor");
    lab.send({ kind: "role-revoke", user: "ada", workspace: "workspaces/w" });
    expect(lab.roleOf(ada)).toBeUndefined();
    expect(() => lab.grant("ada", "king")).toThrow("none of reader, contributor, owner");
    expect(() => lab.grant("ada", "owner", "")).toThrow("a role in a workspace");
  });

  it("of administrators reach everywhere, and end with the user", () => {
    const lab = new Lab();
    const ada = lab.user("ada");
    lab.grant("ada", "administrator", "");
    expect(lab.roleOf(ada, "other")).toBe("owner");
    lab.send({ kind: "user-update", id: "ada", disabled: true });
    expect(isAdministrator(lab.state, ada)).toBe(false);
    lab.send({ kind: "user-update", id: "ada", disabled: false });
    expect(isAdministrator(lab.state, ada)).toBe(true);
    lab.send({ kind: "user-delete", id: "ada" });
    expect(isAdministrator(lab.state, ada)).toBe(false);
    // One who is called so later is somebody else.
    lab.user("ada");
    expect(isAdministrator(lab.state, ada)).toBe(false);
    expect(isAdministrator(lab.state, bootstrap)).toBe(true);
  });

  it("come from groups, too: the greater counts", () => {
    const groupRoles = { v: { role: "contributor", workspace: "w" }, heads: { role: "administrator" } } as const;
    const lab = new Lab({ ...defaultSettings, groupRoles });
    const uuid = userId(lab.fresh());
    const subject = { issuer: "https://i", subject: "1" };
    const signIn = (groups: string[]) =>
      lab.send({ kind: "subject-sign-in", uuid, subject, name: "ada", displayName: "", groups });
    const ada: UserCaller = { kind: "user", name: "ada", user: uuid };
    signIn(["v"]);
    lab.grant("ada", "reader");
    expect(lab.roleOf(ada)).toBe("contributor");
    signIn(["heads"]);
    expect(isAdministrator(lab.state, ada)).toBe(true);
    signIn([]);
    expect(lab.roleOf(ada)).toBe("reader");
    expect(isAdministrator(lab.state, ada)).toBe(false);
  });

  it("are told apart: hidden where there is none, denied where it is too small", () => {
    const lab = new Lab();
    const ada = lab.user("ada");
    const need = { needs: "contributor", of: "id" } as const;
    const about = (id: string) => () => authorize(lab.state, ada, need, { id });
    expect(about("workspaces/w/clusters/c")).toThrow(expect.objectContaining({ code: "not-found" }));
    expect(about("workspaces/none/clusters/c")).toThrow(expect.objectContaining({ code: "not-found" }));
    expect(about("nodes/n")).toThrow(expect.objectContaining({ code: "invalid-argument" }));
    lab.grant("ada", "reader");
    expect(about("workspaces/w/clusters/c")).toThrow(expect.objectContaining({ code: "permission-denied" }));
    expect(about("/subscriptions/x/resourceGroups/workspaces/providers/Microsoft.BatchAI/workspaces/w")).toThrow(
      expect.objectContaining({ code: "permission-denied" }),
    );
    lab.grant("ada", "owner");
    about("workspaces/w/clusters/c")();
  });
});

describe("users and tokens", () => {
  it("that a provider speaks of never take over a name, or a subject", () => {
    const lab = new Lab();
    lab.user("ada");
    const subject = { issuer: "https://i", subject: "1" };
    const signIn = (name: string) =>
      lab.send({ kind: "subject-sign-in", uuid: userId(lab.fresh()), subject, name, displayName: "", groups: [] });
    expect(() => signIn("ada")).toThrow("exists already");
    expect(() => signIn("Administrator")).toThrow("the coordinator's own token");
    signIn("ada2");
    // The provider calls the same person otherwise: still the same user.
    signIn("renamed");
    expect([...lab.state.access.users.values()].map(({ name }) => name)).toEqual(["ada", "ada2"]);
  });

  it("go together: a user's tokens are gone at once, and the expired make room", () => {
    const lab = new Lab();
    lab.user("ada");
    const make = (name: string, expiresAt?: number) =>
      lab.send({
        ...{ kind: "token-create", uuid: tokenId(lab.fresh()), user: "ada", name, hash: `h-${name}` },
        ...(expiresAt === undefined ? {} : { expiresAt }),
        ...(name === "login" ? { findsName: true as const } : {}),
      });
    make("a");
    expect(() => make("a")).toThrow("exists already");
    make("login", lab.now + 1_000);
    make("login");
    const names = () => [...lab.state.access.apiTokens.values()].map(({ name }) => name).sort();
    expect(names()).toEqual(["a", "login", "login-2"]);
    lab.now += 2_000;
    make("b");
    expect(names()).toEqual(["a", "b", "login-2"]);
    lab.send({ kind: "user-delete", id: "ada" });
    expect(names()).toEqual([]);
    expect(lab.state.access.tokenByHash.get("h-a")).toBeUndefined();
  });
});

describe("certificates", () => {
  const certify = (lab: Lab, name: string, more: { expiresAt?: number } = {}, lifeMs = 1_000) => {
    const uuid = tokenId(lab.fresh());
    const until = certifiedUntil(lab.now, lifeMs, more.expiresAt);
    lab.send({ kind: "token-create", uuid, user: "ada", name, hash: `k-${name}`, certifiedUntil: until, ...more });
    return uuid;
  };

  it("are in one list with tokens, and their keys are no tokens", () => {
    const lab = new Lab();
    lab.user("ada");
    const uuid = certify(lab, "c");
    expect(lab.state.access.apiTokens.get(uuid)).toMatchObject({
      kind: "certificate",
      certifiedUntil: lab.now + 1_000,
    });
    // A public key is no secret: who shows what it hashes to has shown nothing.
    expect(lab.state.access.tokenByHash.get("k-c")).toBeUndefined();
    expect(() => certify(lab, "c")).toThrow("exists already");
    lab.restart();
    expect(lab.state.access.tokenByHash.get("k-c")).toBeUndefined();
    lab.send({ kind: "token-revoke", user: "ada", name: "c" });
    expect(lab.state.access.apiTokens.get(uuid)).toBeUndefined();
  });

  it("are renewed for their key until they expire, and make room when nobody did in time", () => {
    const lab = new Lab();
    const ada = lab.user("ada");
    const uuid = certify(lab, "c", { expiresAt: lab.now + 1_500 });
    const renew = (hash: string) =>
      lab.send({
        ...{ kind: "certificate-renew", uuid, hash },
        certifiedUntil: certifiedUntil(lab.now, 1_000, lab.state.access.apiTokens.get(uuid)?.expiresAt),
      });
    lab.now += 900;
    expect(() => renew("k-another")).toThrow("for the key that it has");
    renew("k-c");
    expect(lab.state.access.apiTokens.get(uuid)?.certifiedUntil).toBe(lab.now + 600);
    const caller = { ...ada, token: uuid, certificateEndsAt: lab.now + 100 };
    refuseFallen(lab.state, caller, lab.now);
    // The connection has shown the one before, which is over now.
    expect(() => refuseFallen(lab.state, caller, lab.now + 100)).toThrow("the certificate c of ada has expired");
    lab.now += 700;
    certify(lab, "d");
    expect([...lab.state.access.apiTokens.values()].map(({ name }) => name)).toEqual(["d"]);
    expect(() => renew("k-c")).toThrow("was revoked");
  });
});

describe("the audit log", () => {
  it("has one entry in the commit of each change that somebody asked for, counting on over restarts", () => {
    const lab = new Lab();
    const ada = lab.user("ada");
    expect(lab.asked(bootstrap, { kind: "role-grant", user: "ada", workspace: "workspaces/w", role: "owner" })).toEqual(
      [
        {
          ...{ entry: 1, at: lab.now, user: "administrator", credential: "token t", verb: "V", target: "t" },
          ...{ summary: "", peer: "p", outcome: "ok" },
        },
      ],
    );
    lab.restart();
    const [entry] = lab.asked(ada, { kind: "workspace-quota", id: "workspaces/w", quota: { gpus: 1 } });
    expect(entry).toMatchObject({ entry: 2, user: "ada" });
    expect(lab.asked(ada, { kind: "role-revoke", user: "ada", workspace: "workspaces/w" })).toHaveLength(1);
    expect(
      lab.send({ kind: "tick" }).changes.some((change) => "table" in change && change.table === "audit-entry"),
    ).toBe(false);
  });

  it("shows what the table names, on one line, and nothing else of a request", () => {
    const request = { id: "nodes/n", reason: "a\nb\u001b[31m", token: "secret", spec: { cluster: { id: "c" } } };
    expect(filledIn("{id} {spec.cluster.id}{none.at.all}", request)).toBe("nodes/n c");
    const timeText = (ms: number) => `${ms} ms`;
    expect(summaryOf(request, ["reason", "spec.cluster", "none"], timeText)).toBe("reason: a b [31m, cluster: c");
    expect(summaryOf({ reason: "x".repeat(10_000) }, ["reason"], timeText).length).toBeLessThanOrEqual(400);
    expect(summaryOf({ expiryTime: { seconds: 5n, nanos: 1e6 } }, ["expiryTime"], timeText)).toBe(
      "expiryTime: 5001 ms",
    );
  });

  it("names a user or node in one way, however it was asked for", () => {
    for (const user of ["ada", "users/ada"]) expect(filledIn("users/{user}", { user })).toBe("users/ada");
    expect(filledIn("{parent}/jobs/{name}", { parent: "workspaces/w", name: "j" })).toBe("workspaces/w/jobs/j");
  });
});

it("only administrators have a machine serve any directory of it", () => {
  const lab = new Lab();
  const ada = lab.user("ada");
  lab.grant("ada", "owner");
  const spec = create(FileServerSpecSchema, { managed: { node: "n", directory: "/etc" } });
  const event = {
    kind: "file-server-create",
    uuid: fileServerId(lab.fresh()),
    parent: "workspaces/w",
    name: "f",
    spec,
  } as const;
  expect(() => lab.asked(ada, event)).toThrow("only administrators of the lab may have a machine serve");
  expect(() => lab.asked(bootstrap, event)).toThrow("node n is not found");
});

it("who reads of one workspace is not told the names of another's clusters: neither what has its machines, nor what takes them", () => {
  const lab = new Lab();
  const spec = (vmPriority = "dedicated") =>
    create(ClusterSpecSchema, { vmSize: "any", vmPriority, scaleSettings: { manual: { targetNodeCount: 1 } } });
  const make = (workspace: string, name: string, vmPriority?: string) => {
    const parent = `workspaces/${workspace}`;
    const uuid = clusterId(lab.fresh());
    lab.send({ kind: "cluster-create", uuid, parent, name, spec: spec(vmPriority) });
    return uuid;
  };
  make("w", "ours", "lowpriority");
  lab.hello("n");
  lab.submit("j", { cluster: { id: "ours" } });
  expect(lab.job("j")?.state.kind).toBe("preparing");
  make("other", "hidden");
  expect(JSON.stringify(lab.job("j"))).toContain("gives up node n to a cluster of another workspace");
  lab.report("n", `${lab.job("j")?.uuid}.1`, { case: "done", value: {} });
  const c = lab.state.clusters.get(make("w", "c"));
  expect(c && allocationOf(lab.state, c).shortage).toBe(
    "0 of 1 nodes: of the 1 machine of class any 1 are in clusters of other workspaces",
  );
});
