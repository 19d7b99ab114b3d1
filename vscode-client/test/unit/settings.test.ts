import { describe, expect, it } from "vitest";
import { type Inspected, serverSettings, settingVariables } from "../../src/server/settings";

const settings = (values: Record<string, Inspected>) => serverSettings((key) => values[key]);

describe("settings for the server", () => {
  it("are nested and spelt as it spells them", () => {
    const values = { "embeddings.huggingface.loraAdapterPath": { workspaceFolderValue: "adapters/a" } };
    expect(settings(values)).toEqual({ embeddings: { huggingface: { lora_adapter_path: "adapters/a" } } });
  });

  it("hold only what the user has set, the nearest place first", () => {
    expect(
      settings({
        "search.limit": { globalValue: 5, workspaceValue: 20 },
        "search.queryTimeEmbeddings": {},
        "indexing.exclude": { globalValue: ["*.sql"] },
      }),
    ).toEqual({ search: { limit: 20 }, indexing: { exclude: ["*.sql"] } });
  });

  it("take what is off for a value, and null for none", () => {
    expect(
      settings({
        "indexing.respectGitignore": { workspaceValue: false },
        "engine.idleMinutes": { globalValue: 0 },
        "embeddings.huggingface.loraAdapterPath": { workspaceValue: "", globalValue: "~/a" },
        "embeddings.huggingface.threads": { globalValue: null },
      }),
    ).toEqual({
      embeddings: { huggingface: { lora_adapter_path: "" } },
      indexing: { respect_gitignore: false },
      engine: { idle_minutes: 0 },
    });
  });

  it("take from no workspace what spends what is the user's", () => {
    const inspected = { globalValue: false, workspaceValue: true, workspaceFolderValue: true };
    const values = { "embeddings.huggingface.allowDownload": inspected, "search.keepLog": { workspaceValue: true } };
    expect(settings(values)).toEqual({ embeddings: { huggingface: { allow_download: false } } });
  });

  it("leave the keys inside a table alone", () => {
    const prompts = { "nl2code.query": "find: " };
    expect(settings({ "embeddings.huggingface.prompts": { globalValue: prompts } })).toEqual({
      embeddings: { huggingface: { prompts } },
    });
  });
});

describe("settings for a command", () => {
  it("are environment variables, JSON where they are more than a text", () => {
    const values: Record<string, Inspected> = {
      "embeddings.huggingface.modelName": { workspaceValue: "${workspaceFolder}/model" },
      "adapters.folders": { globalValue: ["${workspaceFolder}/ours", "~/others"] },
      "indexing.respectGitignore": { workspaceFolderValue: false },
      "search.limit": {},
    };
    expect(settingVariables((key) => values[key], "/code/shop")).toEqual({
      CODECONTEXT_EMBEDDINGS__HUGGINGFACE__MODEL_NAME: "/code/shop/model",
      CODECONTEXT_ADAPTERS__FOLDERS: '["/code/shop/ours","~/others"]',
      CODECONTEXT_INDEXING__RESPECT_GITIGNORE: "false",
    });
  });
});
