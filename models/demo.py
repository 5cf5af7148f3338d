"""`make demo`: train on real digits, compile, load with the thin runtime, meet the labels."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

FRESH = """
import sys
import numpy as np
import slopec_runtime

program = slopec_runtime.load(sys.argv[1])
rows = np.load(sys.argv[2])
images, labels = rows["images"].astype("float32"), rows["labels"]
found = program(image=images)["label"].numpy()
loaded = [name for name in sys.modules if name.split(".")[0] == "slopec" or "iree.compiler" in name]

print(program)
print("compiler modules loaded:", loaded or "none")
for image, guess, label in list(zip(images, found, labels))[:5]:
    print()
    for row in image:
        print("   ", "".join(" .:-=+*#%@"[min(9, int(v * 9 / 16))] * 2 for v in row))
    print(f"    predicted {guess}, label {label}")
print()
right = int((found == labels).sum())
print(f"{right} of {len(labels)} held-out digits right: {right / len(labels):.2%}")
"""


def main() -> int:
    """Run the whole path of a program, from a recipe to predictions in a fresh process."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        command = [sys.executable, "-m", "slopec", "train", "digits-mlp", "-o", scratch]
        if subprocess.run(command, check=False).returncode:
            return 1
        import numpy as np

        from slopec.train.data import digits

        held_out = digits().test
        rows = folder / "held-out.npz"
        np.savez(rows, images=held_out["image"], labels=held_out["label"])
        artifact = folder / "model.vmfb"
        predict = [sys.executable, "-c", FRESH, str(artifact), str(rows)]
        if subprocess.run(predict, check=False).returncode:
            return 1
    print(f"trained, compiled, loaded and predicted in {time.perf_counter() - started:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
