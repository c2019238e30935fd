import { describe, expect, it } from "vitest";
import { clientAt, type Estimate, hubAt } from "./estimate";
import { Estimator, SLEW_US } from "./estimator";
import { dice } from "./testing";

interface Path {
  readonly up_ms: number;
  readonly down_ms: number;
  readonly jitter_ms: number;
  readonly drift_ppm?: number;
  readonly offset_us?: number;
  /** A jump of the client's clock after so many seconds of hub time. */
  readonly step?: { readonly after_s: number; readonly by_us: number };
}

interface Run {
  readonly error_us: number;
  readonly estimate: Estimate;
  readonly at_s: number;
}

/** Probes a hub over a path: 16 quick, then 2 Hz; yields the true error of every published estimate. */
function probe(path: Path, seconds: number, seed: number): Run[] {
  const random = dice(seed);
  const estimator = new Estimator("e");
  const rate = 1 + (path.drift_ppm ?? 0) / 1_000_000;
  const client = (hub: number): number => {
    const stepped = path.step !== undefined && hub > path.step.after_s * 1e6 ? path.step.by_us : 0;
    return hub * rate + (path.offset_us ?? 0) + stepped;
  };
  const delay = (ms: number): number => Math.max(0, ms + (random() * 2 - 1) * path.jitter_ms) * 1_000;
  const runs: Run[] = [];
  let hub = 5_000_000;
  for (let n = 0; hub < 5_000_000 + seconds * 1e6; n += 1) {
    hub += n < 16 ? 25_000 : 500_000;
    const s1 = hub + delay(path.up_ms);
    const back = s1 + 50 + delay(path.down_ms);
    const estimate = estimator.add({
      c0: Math.round(client(hub)),
      s1: Math.round(s1),
      s2: Math.round(s1 + 50),
      c3: client(back),
    });
    if (estimate === null) throw new Error("a probe was refused");
    runs.push({ error_us: hubAt(estimate, client(back)) - back, estimate, at_s: (back - 5e6) / 1e6 });
  }
  return runs;
}

const worst = (runs: readonly Run[], from_s: number): number =>
  Math.max(...runs.filter((run) => run.at_s >= from_s).map((run) => Math.abs(run.error_us)));

function p95(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.95)] ?? Number.NaN;
}

describe("the estimator", () => {
  it("is within 0.5 ms on a quiet line with a clock 90 s and 100 ppm off", () => {
    const runs = probe({ up_ms: 1, down_ms: 1, jitter_ms: 0.3, offset_us: 90e6, drift_ppm: 100 }, 300, 1);
    expect(worst(runs, 0.5)).toBeLessThan(500);
    expect(runs.at(-1)?.estimate.drift_ppm).toBeCloseTo(-100, -1);
  });

  it("is within 8 ms after 20 s and 4 ms after 120 s through 150 ± 50 ms, drift included, at p95 of 30 lines", () => {
    const after20: number[] = [];
    const after120: number[] = [];
    for (let seed = 1; seed <= 30; seed += 1) {
      const runs = probe({ up_ms: 150, down_ms: 150, jitter_ms: 50, offset_us: -90e6, drift_ppm: 100 }, 130, seed);
      after20.push(
        worst(
          runs.filter((run) => run.at_s < 30),
          20,
        ),
      );
      after120.push(worst(runs, 120));
    }
    expect(p95(after20)).toBeLessThan(8_000);
    expect(p95(after120)).toBeLessThan(4_000);
  });

  it("claims a bound that holds in 99.5 % of readings, whatever the line", () => {
    let held = 0;
    let all = 0;
    for (let seed = 1; seed <= 35; seed += 1) {
      const path = {
        up_ms: 1 + (seed % 7) * 25,
        down_ms: 1 + (seed % 5) * 30,
        jitter_ms: (seed % 4) * 12,
        drift_ppm: (seed % 5) * 50 - 100,
      };
      for (const run of probe(path, 90, seed)) {
        all += 1;
        if (Math.abs(run.error_us) <= run.estimate.bound_us) held += 1;
      }
    }
    expect(held / all).toBeGreaterThan(0.995);
  });

  it("cannot see a constant asymmetry: half the difference, inside the bound", () => {
    const last = probe({ up_ms: 50, down_ms: 250, jitter_ms: 0 }, 30, 3).at(-1);
    expect(last?.error_us).toBeLessThan(-99_000);
    expect(last?.error_us).toBeGreaterThan(-101_000);
    expect(last?.estimate.bound_us).toBeGreaterThanOrEqual(Math.abs(last?.error_us ?? 0));
  });

  it("slews by at most half a millisecond per probe once it stands", () => {
    const runs = probe({ up_ms: 40, down_ms: 40, jitter_ms: 30 }, 60, 9);
    for (let index = 17; index < runs.length; index += 1) {
      const before = runs[index - 1]?.estimate;
      const after = runs[index]?.estimate;
      if (before === undefined || after === undefined) continue;
      const moved = hubAt(after, after.ref_us) - hubAt(before, after.ref_us);
      expect(Math.abs(moved)).toBeLessThanOrEqual(SLEW_US + 1);
    }
  });

  it("steps when the client's clock did, as after a sleep", () => {
    const runs = probe({ up_ms: 5, down_ms: 5, jitter_ms: 1, step: { after_s: 30, by_us: -20e6 } }, 60, 4);
    expect(worst(runs, 40)).toBeLessThan(1_500);
  });

  it("refuses stamps that cannot be", () => {
    const estimator = new Estimator("e");
    expect(estimator.add({ c0: 10, s1: 5, s2: 6, c3: 9 })).toBeNull();
    expect(estimator.add({ c0: 10, s1: 7, s2: 6, c3: 20 })).toBeNull();
    expect(estimator.add({ c0: 0, s1: 0, s2: 5_000, c3: 1_000 })).toBeNull();
    expect(estimator.add({ c0: Number.NaN, s1: 0, s2: 0, c3: 1 })).toBeNull();
  });

  it("maps both ways", () => {
    const estimate = { epoch: "e", offset_us: -7e9, drift_ppm: -80, ref_us: 1e12, bound_us: 1, rtt_us: 1, samples: 1 };
    expect(clientAt(estimate, hubAt(estimate, 1e12 + 5e6))).toBeCloseTo(1e12 + 5e6, 1);
  });
});
