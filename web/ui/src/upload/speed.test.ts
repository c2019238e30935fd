import { expect, it } from "vitest";
import { SpeedMeter } from "./speed";

it("needs half a second before it speaks", () => {
  const meter = new SpeedMeter();
  meter.add(0, 0);
  meter.add(1_000, 100);
  expect(meter.bytesPerS(100)).toBeNull();
  expect(meter.etaS(10_000, 100)).toBeNull();
});

it("gives the mean speed and the time left", () => {
  const meter = new SpeedMeter();
  for (let tick = 0; tick <= 20; tick += 1) meter.add(tick * 100_000, tick * 100);
  expect(meter.bytesPerS(2_000)).toBeCloseTo(1_000_000);
  expect(meter.etaS(5_000_000, 2_000)).toBeCloseTo(3);
});

it("forgets what is older than three seconds", () => {
  const meter = new SpeedMeter();
  for (let tick = 0; tick <= 100; tick += 1) meter.add(tick * 1_000, tick * 100); // 10 kB/s for 10 s
  const slow = 100_000;
  for (let tick = 1; tick <= 40; tick += 1) meter.add(slow + tick * 100, 10_000 + tick * 100); // then 1 kB/s for 4 s
  expect(meter.bytesPerS(14_000)).toBeCloseTo(1_000, -1);
});

it("falls to nothing while the line stalls", () => {
  const meter = new SpeedMeter();
  meter.add(0, 0);
  meter.add(900_000, 1_000);
  expect(meter.bytesPerS(9_000)).toBeCloseTo(100_000);
  meter.add(900_000, 9_000);
  meter.add(900_000, 12_500);
  expect(meter.bytesPerS(12_500)).toBe(0);
  expect(meter.etaS(1_000_000, 12_500)).toBeNull();
});

it("keeps a bounded number of samples", () => {
  const meter = new SpeedMeter();
  for (let tick = 0; tick < 2_000; tick += 1) meter.add(tick * 10, tick);
  expect(meter.bytesPerS(1_999)).toBeCloseTo(10_000, -2);
});
