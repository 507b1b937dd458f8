import { describe, expect, it } from "vitest";
import { natsUrlFor } from "./url.js";

describe("natsUrlFor", () => {
  it("is on the host that the agent dialled", () => {
    expect(natsUrlFor("head.lab:7741", 4222, undefined)).toBe("nats://head.lab:4222");
    expect(natsUrlFor("10.0.0.1:7741", 4222, undefined)).toBe("nats://10.0.0.1:4222");
    expect(natsUrlFor("[fd00::1]:7741", 4222, undefined)).toBe("nats://[fd00::1]:4222");
  });
  it("is on the advertised host when there is one", () => {
    expect(natsUrlFor("10.0.0.1:7741", 4222, "nats.lab")).toBe("nats://nats.lab:4222");
    expect(natsUrlFor("10.0.0.1:7741", 4222, "fd00::2")).toBe("nats://[fd00::2]:4222");
  });
  it("takes nonsense for this machine", () => {
    expect(natsUrlFor("", 4222, undefined)).toBe("nats://127.0.0.1:4222");
  });
});
