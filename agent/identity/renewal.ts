import type { Logger } from "pino";
import { requestFor } from "../../shared/certificate-request.js";
import type { SessionMessage } from "../ports.js";
import { type IdentityFile, validityOf } from "./identity-file.js";

const lookMostMs = 3_600_000;
const lookLeastMs = 500;
/** The coordinator dates certificates back by a day, for clocks that differ. */
const datedBackMs = 86_400_000;

/** Asks for a new certificate when two thirds of this one's time are over, by the session that stands: what runs here is not touched. */
export class Renewal {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly file: IdentityFile,
    /** False when there is no session. */
    private readonly send: (message: SessionMessage) => boolean,
    private readonly log: Logger,
    private readonly now: () => number = Date.now,
  ) {}

  start(): void {
    this.look();
  }

  close(): void {
    clearTimeout(this.timer);
  }

  /** The coordinator's answer. */
  received(certificate: string): void {
    this.file.renewed(certificate);
    const until = new Date(validityOf(certificate).to).toISOString();
    this.log.info({ until }, "the node's certificate was renewed");
  }

  private look(): void {
    const { waitMs, isDue } = this.state();
    if (isDue) this.ask().catch((error: unknown) => this.log.error({ err: error }, "the certificate can't be renewed"));
    this.timer = setTimeout(() => this.look(), waitMs).unref();
  }

  private state(): { waitMs: number; isDue: boolean } {
    const identity = this.file.read();
    if (!identity) return { waitMs: lookMostMs, isDue: false };
    const { from, to } = validityOf(identity.certificate);
    const lifeMs = to - from - datedBackMs;
    return {
      waitMs: Math.min(lookMostMs, Math.max(lookLeastMs, lifeMs / 12)),
      isDue: to - this.now() < lifeMs / 3,
    };
  }

  private async ask(): Promise<void> {
    const identity = this.file.read();
    if (!identity) return;
    const certificateRequest = await requestFor(identity.node, identity.key);
    const isSent = this.send({ case: "renewCertificate", value: { certificateRequest } });
    if (!isSent) this.log.debug("the certificate is to be renewed, and there is no session now");
  }
}
