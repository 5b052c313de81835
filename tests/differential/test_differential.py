SCOPE = os.environ.get("DIFFERENTIAL", SCOPES[0])


@pytest.mark.parametrize("pair", [pytest.param(pair, id=pair.name) for pair in all_pairs() if pair.within(SCOPE)])
def test_pages_exactly_what_failed(pair: Pair, runs: dict[str, Future[Run]]) -> None:
    run = runs[pair.name].result()
    found = deviations(run)
    if found:
        pytest.fail("\n".join([*found, f"folder: {run.folder}", run.output]), pytrace=False)
