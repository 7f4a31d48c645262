"""A plain ResNet of ten layers without pretraining."""
