"""The parts of a shared file that may differ."""

BEGIN, END = "# local: begin", "# local: end"


def split_local(text: str) -> tuple[str, list[str]]:
    """The shared text (local regions emptied), and the insides of the local regions."""
    shared, regions, inside = [], [], False
    for line in text.splitlines(keepends=True):
        if line.strip() == END:
            if not inside:
                raise ValueError(f"`{END}` without a begin")
            inside = False
        if inside:
            regions[-1] += line
        else:
            shared.append(line)
        if line.strip() == BEGIN:
            if inside:
                raise ValueError(f"`{BEGIN}` twice without an end")
            inside = True
            regions.append("")
    if inside:
        raise ValueError(f"`{BEGIN}` without an end")
    return "".join(shared), regions
