"""The conformance kit: what every technique of a family and every verb of a plugin must do, run over what is installed.

    pytest --pyargs pluglm.testing                                all of them
    python -m pluglm.testing --pluglm-plugin my-plugin            those of one plugin or distribution
    PLUGLM_CONFORMANCE=my-plugin pytest --pyargs pluglm.testing   the same

Techniques of a plugin that is named are also put through a short run, from documents to report.

A technique whose parameters are not all optional says by a class method how it can be tried; without it, what needs an
instance is skipped:

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        (folder / "words.txt").write_text("a b c")
        return {"path": folder / "words.txt"}
"""
