"""From a trained model to figures one can trust: metrics, predictions, reports, submissions."""
