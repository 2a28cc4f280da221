import { describe, expect, it } from "vitest";
import { readArguments } from "./arguments.ts";

describe("readArguments()", () => {
  it("takes Supabase's port and .audit when nothing is said", () => {
    expect(readArguments([], "/repo")).toEqual({ help: false, port: 54321, dataFolder: "/repo/.audit" });
  });

  it("takes a port and a folder, which counts from the working folder", () => {
    expect(readArguments(["--port", "6000", "--data=my data"], "/repo")).toEqual({ help: false, port: 6000, dataFolder: "/repo/my data" });
    expect(readArguments(["--data", "/elsewhere", "-h"], "/repo")).toMatchObject({ help: true, dataFolder: "/elsewhere" });
  });

  it.each([[["--port", "0"]], [["--port", "65536"]], [["--port", "80.5"]], [["--port", ""]], [["--data", ""]], [["--prot", "1"]], [["extra"]]])(
    "refuses %j",
    (argv) => {
      expect(() => readArguments(argv, "/repo")).toThrow();
    },
  );
});
