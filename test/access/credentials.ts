import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Metadata } from "@grpc/grpc-js";
import { IdentityFile } from "../../agent/identity/identity-file.js";
import { joinMachine } from "../../agent/join-machine.js";
import { Authority } from "../../coordinator/pki/authority.js";
import { bearer, plain } from "../../shared/credentials.js";
import { JoinService } from "../../shared/gen/stoker/v1/join_service_pb.js";
import { RoleService } from "../../shared/gen/stoker/v1/role_service_pb.js";
import { SignInService } from "../../shared/gen/stoker/v1/sign_in_service_pb.js";
import { UserService } from "../../shared/gen/stoker/v1/user_service_pb.js";
import type { CoordinatorProcess } from "../fakes/coordinator-process.js";
import { until } from "../fakes/until.js";
import { RawCalls } from "../fuzz/raw-calls.js";
import {
  authorityOf,
  certificateOf,
  expiredCertificate,
  forged,
  shownTo,
  type UserCertificate,
} from "./certificates.js";

/** In the workspace `alpha`, which calls are about; `stranger` owns another one, and `chief` administers the lab. */
export const people = ["reader", "contributor", "owner", "stranger", "chief"] as const;
export type Person = (typeof people)[number];
/** Without what any of them has. */
export const others = [
  ...(["coordinator's token", "node certificate", "expired token", "revoked token", "nothing"] as const),
  ...(["expired certificate", "revoked certificate", "certificate of another authority"] as const),
  ...(["certificate of another key", "certificate and another's token"] as const),
] as const;
/** By certificates in place of tokens; the same as who has them. */
export const certified = {
  "reader's certificate": "reader",
  "owner's certificate": "owner",
  "chief's certificate": "chief",
} as const;
export type Certified = keyof typeof certified;
export type Who = Person | Certified | (typeof others)[number];

/** Nothing that is asked for is there: every stream ends by itself. */
const silenceMs = 20_000;

/** Who that is, however it is shown; undefined of the others. */
export const personOf = (who: Who): Person | undefined =>
  who in certified ? certified[who as Certified] : people.find((person) => person === who);

/** What each shows. Of a person there may be several, for calls after which one counts no more. */
export class Credentials {
  private readonly all = new Map<Who, RawCalls>();

  private constructor(private readonly coordinator: CoordinatorProcess) {}

  static async make(coordinator: CoordinatorProcess): Promise<Credentials> {
    const made = new Credentials(coordinator);
    const users = coordinator.client(UserService);
    const roles = coordinator.client(RoleService);
    for (const name of people) await users.createUser({ name });
    for (const role of ["reader", "contributor", "owner"]) {
      await roles.grantRole({ user: role, workspace: "workspaces/alpha", role });
    }
    await roles.grantRole({ user: "stranger", workspace: "workspaces/beta", role: "owner" });
    await roles.grantRole({ user: "chief", role: "administrator" });
    for (const name of people) made.add(name, bearer(await made.tokenOf(name)));
    made.add("coordinator's token", bearer(coordinator.token));
    made.add("expired token", bearer(await made.expired()));
    made.add("revoked token", bearer(await made.revoked()));
    made.add("nothing", new Metadata());
    made.all.set("node certificate", await made.ofNode());
    await made.addCertificates();
    return made;
  }

  of(who: Who): RawCalls {
    const calls = this.all.get(who);
    if (!calls) throw new Error(`nobody is ${who}`);
    return calls;
  }

  /** With a token, or a certificate, of its own. */
  async another(who: Person | Certified): Promise<RawCalls> {
    if (!(who in certified)) return new RawCalls(this.coordinator.address, bearer(await this.tokenOf(who)));
    const { channel } = shownTo(this.coordinator, await certificateOf(this.coordinator, certified[who as Certified]));
    return new RawCalls(this.coordinator.address, new Metadata(), channel, silenceMs);
  }

  private async addCertificates(): Promise<void> {
    const { coordinator } = this;
    const users = coordinator.client(UserService);
    for (const who of Object.keys(certified) as Certified[]) this.all.set(who, await this.another(who));
    const put = (who: Who, shown: UserCertificate, metadata = new Metadata()) =>
      this.all.set(who, new RawCalls(coordinator.address, metadata, shownTo(coordinator, shown).channel, silenceMs));
    put("expired certificate", await expiredCertificate(coordinator, "owner"));
    const revoked = await certificateOf(coordinator, "owner");
    await users.revokeToken({ user: "owner", name: revoked.name });
    put("revoked certificate", revoked);
    const good = await certificateOf(coordinator, "owner");
    put("certificate of another authority", await forged(good, (await Authority.make(Date.now())).authority));
    put("certificate of another key", await forged(good, authorityOf(coordinator)));
    put("certificate and another's token", good, bearer(await this.tokenOf("chief")));
  }

  close(): void {
    for (const calls of this.all.values()) calls.close();
  }

  private add(who: Who, metadata: Metadata): void {
    this.all.set(who, new RawCalls(this.coordinator.address, metadata, plain().channel, silenceMs));
  }

  private made = 0;

  private async tokenOf(user: string): Promise<string> {
    this.made += 1;
    const { secret } = await this.coordinator.client(UserService).createToken({ user, name: `t${this.made}` });
    return secret;
  }

  private async expired(): Promise<string> {
    const expiryTime = timestampFromMs(Date.now() + 500);
    const asked = { user: "owner", name: "expired", expiryTime };
    const { secret } = await this.coordinator.client(UserService).createToken(asked);
    const callers = this.coordinator.client(SignInService, secret);
    let isOver = false;
    const look = setInterval(() => {
      callers.getCaller({}).catch(() => {
        isOver = true;
      });
    }, 50);
    await until("the token has expired", () => isOver, 10_000);
    clearInterval(look);
    return secret;
  }

  private async revoked(): Promise<string> {
    const users = this.coordinator.client(UserService);
    const { secret } = await users.createToken({ user: "owner", name: "revoked" });
    await users.revokeToken({ user: "owner", name: "revoked" });
    return secret;
  }

  /** Of a machine that has joined. */
  private async ofNode(): Promise<RawCalls> {
    const { address } = this.coordinator;
    const folder = mkdtempSync(joinPath(tmpdir(), "stoker-node-"));
    try {
      const { token } = await this.coordinator.client(JoinService).createJoinToken({});
      const file = new IdentityFile(folder);
      await joinMachine(file, { coordinator: address, token, node: "joined" });
      return new RawCalls(address, new Metadata(), file.credential().channel, silenceMs);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}
