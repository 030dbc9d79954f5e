"""The commands of core, by name: where each stands, and its line in the listing."""

CORE_COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("tcmgc.cli.run:run", "Train, evaluate and report a recipe or a suite."),
    "evaluate": ("tcmgc.cli.evaluate:evaluate", "Evaluate a run or a checkpoint without training."),
    "data": ("tcmgc.cli.data:data", "Make, check and look at data sets; list and prune the cache."),
    "score": ("tcmgc.cli.score:score", "Score captions against video files, or features against features."),
    "index": ("tcmgc.cli.index:index", "Encode videos once, for search."),
    "search": ("tcmgc.cli.search:search", "Find videos of an index by what they show."),
    "import": ("tcmgc.cli.import_checkpoint:import_", "Make a model's folder of an official checkpoint."),
    "export": ("tcmgc.cli.export_checkpoint:export", "Write a model as its official code saves it."),
    "recipe": ("tcmgc.cli.recipe:recipe", "List and show recipes; emit their JSON Schema."),
    "plugins": ("tcmgc.cli.plugins:plugins", "List and show components and where they come from."),
}
