import type { Logger } from "pino";
import { bearer, type Credential, plain } from "../../shared/credentials.js";
import type { Membership, NatsKey, SessionMessage } from "../ports.js";
import type { IdentityFile } from "./identity-file.js";
import { Renewal } from "./renewal.js";

/** Of a machine that has joined: by the certificate that it got. */
export class Joined implements Membership {
  private renewal: Renewal | undefined;

  constructor(
    private readonly file: IdentityFile,
    private readonly log: Logger,
  ) {}

  credential(): Credential {
    return this.file.credential();
  }

  natsKey(): NatsKey | undefined {
    const identity = this.file.read();
    return identity && { publicKey: identity.natsKey, seed: identity.natsSeed, authority: identity.authority };
  }

  start(send: (message: SessionMessage) => boolean): void {
    this.renewal = new Renewal(this.file, send, this.log);
    this.renewal.start();
  }

  renewed(certificate: string): void {
    this.renewal?.received(certificate);
  }

  close(): void {
    this.renewal?.close();
  }
}

/** By a token that all machines share, and not encrypted. */
export class ByToken implements Membership {
  constructor(private readonly token: () => string) {}

  credential(): Credential {
    return plain(bearer(this.token()));
  }

  natsKey(): undefined {
    return undefined;
  }

  start(): void {}

  renewed(): void {}

  close(): void {}
}
