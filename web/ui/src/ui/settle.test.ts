import { afterEach, expect, test, vi } from "vitest";
import { settle } from "./settle";

class Select {
  value = "";
}
class Input {
  checked = false;
  constructor(
    readonly type: string,
    readonly name = "",
    readonly value = "",
  ) {}
}

afterEach(() => vi.unstubAllGlobals());

test("a control shows what holds once the answer is there, whatever was asked for", async () => {
  const radios = ["OPEN", "INVITE_ONLY", "CLOSED"].map((value) => new Input("radio", "registration", value));
  vi.stubGlobal("HTMLSelectElement", Select);
  vi.stubGlobal("HTMLInputElement", Input);
  vi.stubGlobal("document", { getElementsByName: (name: string) => radios.filter((one) => one.name === name) });
  const list = Object.assign(new Select(), { value: "MODERATOR" });
  const box = Object.assign(new Input("checkbox"), { checked: true });
  const closed = radios[2] as Input;
  closed.checked = true;
  let holds = "MEMBER";
  const asked = Promise.resolve().then(() => (holds = "VIEWER"));
  await settle(list as unknown as HTMLSelectElement, asked, () => holds);
  await settle(box as unknown as HTMLInputElement, Promise.resolve(), () => false);
  await settle(closed as unknown as HTMLInputElement, Promise.resolve(), () => "OPEN");
  expect([list.value, box.checked, radios.map(({ checked }) => checked)]).toEqual([
    "VIEWER",
    false,
    [true, false, false],
  ]);
});
