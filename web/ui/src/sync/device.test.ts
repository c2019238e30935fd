import { expect, it } from "vitest";
import { deviceOf } from "./device";

it("tells a phone, a tablet, a desk and a television apart", () => {
  const phone = "Mozilla/5.0 (Linux; Android 15) Chrome/146.0 Mobile Safari/537.36";
  const desk = "Mozilla/5.0 (X11; Linux x86_64) Chrome/146.0 Safari/537.36";
  const tv = "Mozilla/5.0 (SMART-TV; Linux; Tizen 8.0) Chrome/108 TV Safari/537.36";
  expect(deviceOf({ agent: phone, coarse: true, side: 390 })).toBe("phone");
  expect(deviceOf({ agent: phone, coarse: true, side: 800 })).toBe("tablet");
  expect(deviceOf({ agent: desk, coarse: false, side: 500 })).toBe("desktop");
  expect(deviceOf({ agent: tv, coarse: false, side: 1080 })).toBe("tv");
});
