"""How the mock server loads and unloads LoRA adapters: the endpoints, statuses and messages of vLLM's server, without any weights."""

from collections.abc import Mapping, MutableMapping
from pathlib import Path

from mock_wire import json_response, response

__all__ = ["changed_adapters"]


def changed_adapters(adapters: MutableMapping[str, str], asked: Mapping[str, str], *, load: bool) -> bytes:
    """The answer to a request that loads or unloads one. `adapters` are the paths of those that are loaded, by name."""
    name, path = asked.get("lora_name", ""), asked.get("lora_path", "")
    if not name or (load and not path):
        return _refusal("400 Bad Request", "Both 'lora_name' and 'lora_path' must be provided.")
    if load:
        if name in adapters:
            return _refusal("400 Bad Request", f"The lora adapter '{name}' has already been loaded.")
        if not (Path(path) / "adapter_config.json").is_file():
            return _refusal("404 Not Found", f"Loading lora {name} failed: No adapter found for {path}")
        adapters[name] = path
        return response("200 OK", "text/plain", f"Success: LoRA adapter '{name}' added successfully.".encode())
    if name not in adapters:
        return _refusal("404 Not Found", f"The lora adapter '{name}' cannot be found.")
    del adapters[name]
    return response("200 OK", "text/plain", f"Success: LoRA adapter '{name}' removed successfully.".encode())


def _refusal(status: str, message: str) -> bytes:
    return json_response(status, {"error": {"message": message, "type": "BadRequestError", "code": int(status[:3])}})
