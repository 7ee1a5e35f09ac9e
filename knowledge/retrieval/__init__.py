"""Find what answers a question: numpy and onnxruntime, no Django."""
